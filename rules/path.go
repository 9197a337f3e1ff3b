package rules

import (
	"fmt"
	"net"
	"strings"
)

// routeTables are the routes by host. Those of services that list no host stand at "".
type routeTables map[string]routeTable

// add adds a route for all its hosts. If another route matches exactly the same requests of a host,
// add returns that route.
func (t routeTables) add(hosts []string, method string, segments []string, r *Route) *Route {
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, h := range hosts {
		if t[h] == nil {
			t[h] = routeTable{}
		}
		if other := t[h].add(method, segments, r); other != nil {
			return other
		}
	}
	return nil
}

// find returns the route of a request, nil if there is none. Routes of services that list the host
// go first.
func (t routeTables) find(method, host, path string) *Route {
	if host != "" {
		if r := t[host].find(method, path); r != nil {
			return r
		}
	}
	return t[""].find(method, path)
}

// hostName writes a host as service files do: without port, brackets or a trailing dot, in lower
// case (RFC 9110 §4.2.3).
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// routeTable finds the route of a request by method and path.
type routeTable map[string]*pathNode // by method

// pathNode is a segment of all paths that are alike up to there. A literal segment goes before a
// parameter.
type pathNode struct {
	literals map[string]*pathNode
	param    *pathNode
	route    *Route
}

// add adds a route. If another route matches exactly the same paths, add returns that route
// instead.
func (t routeTable) add(method string, segments []string, r *Route) *Route {
	n := t[method]
	if n == nil {
		n = &pathNode{}
		t[method] = n
	}
	for _, s := range segments {
		next := n.param
		if !isParam(s) {
			next = n.literals[s]
		}
		if next == nil {
			next = &pathNode{}
			if isParam(s) {
				n.param = next
			} else {
				if n.literals == nil {
					n.literals = map[string]*pathNode{}
				}
				n.literals[s] = next
			}
		}
		n = next
	}
	if n.route != nil {
		return n.route
	}
	n.route = r
	return nil
}

// find returns the route of a path, which begins with a slash; nil if there is none.
func (t routeTable) find(method, path string) *Route {
	n := t[method]
	if n == nil || !strings.HasPrefix(path, "/") {
		return nil
	}
	return n.find(path[1:])
}

func (n *pathNode) find(path string) *Route {
	segment, rest, more := strings.Cut(path, "/")
	for _, next := range []*pathNode{n.literals[segment], n.param} {
		if next == nil || next == n.param && segment == "" {
			continue
		}
		if !more {
			if next.route != nil {
				return next.route
			}
			continue
		}
		if r := next.find(rest); r != nil {
			return r
		}
	}
	return nil
}

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }

// literalBytes are the bytes that a path can hold unescaped (RFC 3986 §3.3), without the semicolon,
// which upstreams read in more than one way, and the asterisk, which looks like a pattern.
const literalBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()+,=:@"

// parseMatch splits a text such as GET /v1/customers/{id} into method and segments.
func parseMatch(text string) (method string, segments []string, err error) {
	method, path, ok := strings.Cut(text, " ")
	if !ok || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" ||
		!strings.HasPrefix(path, "/") {
		return "", nil, fmt.Errorf("want a method in capitals and a path that begins with /, as " +
			"in GET /v1/customers/{id}")
	}
	segments = strings.Split(path[1:], "/")
	for _, s := range segments {
		name, closed := strings.CutSuffix(strings.TrimPrefix(s, "{"), "}")
		switch {
		case strings.HasPrefix(s, ":") || strings.HasPrefix(s, "<"):
			return "", nil, fmt.Errorf("segment %q: a parameter is a name in braces; write {%s}", s,
				strings.Trim(s, ":<>"))
		case strings.Contains(s, "?"):
			return "", nil, fmt.Errorf("segment %q: query parameters are not part of the path; "+
				"list them under query", s)
		case isParam(s) && (!closed || name == "" || strings.ContainsAny(name, "{}")):
			return "", nil, fmt.Errorf("segment %q: want a name in braces that fills the "+
				"segment, as in {id}", s)
		case !isParam(s) && strings.Trim(s, literalBytes) != "":
			return "", nil, fmt.Errorf("segment %q: want letters, digits and -._~!$&'()+,=:@ or "+
				"a parameter as in {id}", s)
		case s == "." || s == ".." || s == "" && len(segments) > 1:
			return "", nil, fmt.Errorf("segment %q: want a path without empty, . or .. segments", s)
		}
	}
	return method, segments, nil
}
