package rules

import (
	"fmt"
	"net"
	"strings"
)

// routeTables are the routes of each host that a service lists, and, at "", of services that list none.
type routeTables map[string]routeTable

// add reports a route that matches exactly the same requests, if there is one.
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

// find looks a request up: first among the routes of its host.
func (t routeTables) find(method, host, path string) *Route {
	if host != "" {
		if r := t[host].find(method, path); r != nil {
			return r
		}
	}
	return t[""].find(method, path)
}

// hostName is a host as service files have it: without port, brackets or a trailing dot, in lower case (RFC 9110 §4.2.3).
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// routeTable finds the route of a request by method and path.
type routeTable map[string]*pathNode // by method

// pathNode is one segment of the paths that begin alike. A literal segment goes before a parameter.
type pathNode struct {
	literals map[string]*pathNode
	param    *pathNode
	route    *Route
}

// add reports a route that matches exactly the same paths, if there is one.
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

// find looks a path up; path begins with a slash.
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

// literalBytes are what a path can hold unescaped (RFC 3986 §3.3), without the semicolon, which upstreams read in more than
// one way, and the asterisk, which looks like a pattern.
const literalBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()+,=:@"

// parseMatch splits "GET /v1/customers/{id}".
func parseMatch(text string) (method string, segments []string, err error) {
	method, path, ok := strings.Cut(text, " ")
	if !ok || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || !strings.HasPrefix(path, "/") {
		return "", nil, fmt.Errorf("want a method in capitals and a path that begins with /, as in GET /v1/customers/{id}")
	}
	segments = strings.Split(path[1:], "/")
	for _, s := range segments {
		name, closed := strings.CutSuffix(strings.TrimPrefix(s, "{"), "}")
		switch {
		case strings.HasPrefix(s, ":") || strings.HasPrefix(s, "<"):
			return "", nil, fmt.Errorf("segment %q: a parameter is a name in braces; write {%s}", s, strings.Trim(s, ":<>"))
		case strings.Contains(s, "?"):
			return "", nil, fmt.Errorf("segment %q: query parameters are not part of the path; list them under query", s)
		case isParam(s) && (!closed || name == "" || strings.ContainsAny(name, "{}")):
			return "", nil, fmt.Errorf("segment %q: want a name in braces that fills the segment, as in {id}", s)
		case !isParam(s) && strings.Trim(s, literalBytes) != "":
			return "", nil, fmt.Errorf("segment %q: want letters, digits and -._~!$&'()+,=:@ or a parameter as in {id}", s)
		case s == "." || s == ".." || s == "" && len(segments) > 1:
			return "", nil, fmt.Errorf("segment %q: want a path without empty, . or .. segments", s)
		}
	}
	return method, segments, nil
}
