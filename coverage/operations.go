package coverage

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// operation is a method and path of a document, and the schemas of the answers that a gateway
// passes on.
type operation struct {
	method, path string
	schemas      []element
}

var httpMethods = []string{
	"get", "put", "post", "delete", "patch", "options", "head", "trace", "query",
}

// operations returns the operations of a document in its order, and the origins of its servers.
func (d *document) operations(root element) (list []operation, bases []origin, err error) {
	version, err := root.get("openapi")
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasPrefix(version.text(), "3.") {
		return nil, nil, root.fault("want openapi: 3.0 or 3.1; convert other versions (Swagger " +
			"2.0) first")
	}
	if bases, err = origins(root); err != nil {
		return nil, nil, err
	}
	paths, err := root.get("paths")
	if err != nil {
		return nil, nil, err
	}
	templates, err := paths.members()
	if err != nil {
		return nil, nil, err
	}
	for _, t := range templates {
		if strings.HasPrefix(t.name, "x-") {
			continue
		}
		item, err := d.chase(t.value)
		if err != nil {
			return nil, nil, err
		}
		methods, err := item.members()
		if err != nil {
			return nil, nil, err
		}
		for _, m := range methods {
			if !slices.Contains(httpMethods, m.name) {
				continue
			}
			schemas, err := d.schemas(m.value)
			if err != nil {
				return nil, nil, err
			}
			if len(schemas) > 0 {
				list = append(list, operation{strings.ToUpper(m.name), t.name, schemas})
			}
		}
	}
	return list, bases, nil
}

// origin is where a gateway is asked: a host, "" for any, and a path in front of the document's
// paths.
type origin struct{ host, path string }

func originOf(u *url.URL) origin { return origin{u.Host, strings.TrimSuffix(u.Path, "/")} }

// origins returns the origin without a host or path, and then the origins of a document's servers,
// with the defaults of their variables.
func origins(root element) ([]origin, error) {
	servers, err := root.get("servers")
	if err != nil {
		return nil, err
	}
	bases := []origin{{}}
	for _, s := range servers.items() {
		address, err := s.get("url")
		if err != nil {
			return nil, err
		}
		variables, err := s.get("variables")
		if err != nil {
			return nil, err
		}
		list, err := variables.members()
		if err != nil {
			return nil, err
		}
		text := address.text()
		for _, v := range list {
			value, err := v.value.get("default")
			if err != nil {
				return nil, err
			}
			text = strings.ReplaceAll(text, "{"+v.name+"}", value.text())
		}
		u, err := url.Parse(text)
		if err != nil {
			return nil, address.fault("the address of the server cannot be read")
		}
		if o := originOf(u); !slices.Contains(bases, o) {
			bases = append(bases, o)
		}
	}
	return bases, nil
}

// schemas returns the schemas of an operation's JSON answers with a status from 200 to 203. A
// gateway passes no answer of another status on.
func (d *document) schemas(operation element) (list []element, err error) {
	responses, err := operation.get("responses")
	if err != nil {
		return nil, err
	}
	codes, err := responses.members()
	if err != nil {
		return nil, err
	}
	success := slices.ContainsFunc(codes, func(m member) bool {
		return strings.HasPrefix(m.name, "2")
	})
	for _, code := range codes {
		if !slices.Contains([]string{"200", "201", "202", "203", "2XX", "2xx"}, code.name) &&
			(code.name != "default" || success) {
			continue
		}
		response, err := d.chase(code.value)
		if err != nil {
			return nil, err
		}
		content, err := response.get("content")
		if err != nil {
			return nil, err
		}
		types, err := content.members()
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			if !isJSON(t.name) {
				continue
			}
			body, err := d.chase(t.value)
			if err != nil {
				return nil, err
			}
			// OpenAPI 3.2 has itemSchema, for the items of a sequence.
			for _, key := range []string{"schema", "itemSchema"} {
				schema, err := body.get(key)
				if err != nil {
					return nil, err
				}
				if schema.node != nil {
					list = append(list, schema)
				}
			}
		}
	}
	return list, nil
}

// isJSON reports whether a media type, or a range of media types, includes JSON.
func isJSON(name string) bool {
	bare, _, _ := strings.Cut(strings.ToLower(name), ";")
	bare = strings.TrimSpace(bare)
	return slices.Contains([]string{"application/json", "application/x-ndjson",
		"application/json-seq", "text/event-stream", "*/*", "application/*"}, bare) ||
		strings.HasSuffix(bare, "+json")
}

func (o operation) String() string { return fmt.Sprintf("%s %s", o.method, o.path) }
