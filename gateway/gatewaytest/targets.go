package gatewaytest

import "strings"

// A Target is what the agent may ask for by GET, and what becomes of it, if the data service
// answers every request with 204.
type Target struct {
	Text   string // path and query, as it is sent
	Status int    // 200: the data service gets the path as it was sent, and the query encoded anew
	Caddy  int    // status where Caddy refuses the request before any handler sees it; 0: Status
}

// TargetRoutes are the routes for which Targets are written, as a service file has them, beside
// GET /v1/people/{id}, and GET /v1/people with the query parameters page and q.
const TargetRoutes = `
  - match: GET /v1/people/{id}/search!it
    fields: {$.name: public}
  - match: GET /v1/people/{id}/{part}
    fields: {$.name: public}
`

// Targets are targets that there is more than one way to read, beside such as there is one.
var Targets = []Target{
	{"/v1/people/C1", 200, 0},
	{"/v1/people/C-1._~", 200, 0},
	{"/v1/people/a!$&'()*+,=:@b", 200, 0},
	{"/v1/people/%E5%BC%A0", 200, 0},
	{"/v1/people/%e5%bc%a0", 200, 0},
	{"/v1/people/a%20b", 200, 0},
	{"/v1/people/a%2Bb", 200, 0}, // encodeURIComponent("+")
	{"/v1/people/a%40b", 200, 0},
	{"/v1/people?page=1", 200, 0},
	{"/v1/people?q=a%26page=2", 200, 0},
	{"/v1/people?q=", 200, 0},
	{"/v1/people?", 200, 0},
	{"/v1/people/", 400, 0},
	{"//v1/people/C1", 400, 0},
	{"/v1//people/C1", 400, 0},
	{"/v1/./people/C1", 400, 0},
	{"/v1/../people/C1", 400, 0},
	{"/v1/people/..", 400, 0},
	{"/v1/people/%2e%2e", 400, 0},
	{"/v1/people/%2E", 400, 0},
	{"/v1/people/.%2e", 400, 0},
	{"/v1/people/a%2Fb", 400, 0},
	{"/v1/people/a%2fb", 400, 0},
	{"/v1/people/a%5Cb", 400, 0},
	{`/v1/people/a\b`, 400, 0},
	{"/v1/people/a;p=1", 400, 0},
	{"/v1/people;p/C1", 400, 0},
	{"/v1/people/a%3Bp", 400, 0},
	{"/v1/people/a%3Fb", 400, 0},
	{"/v1/people/a%23b", 400, 0},
	{"/v1/people/a%25b", 400, 0},
	{"/v1/people/a%252e", 400, 0},
	{"/v1/people/%43%31", 400, 0},
	{"/v1/peopl%65/C1", 400, 0},
	{"/v1/people/a%00b", 400, 0},
	{"/v1/people/a%0Ab", 400, 0},
	{"/v1/people/a%7Fb", 400, 0},
	{"/v1/people/a%C2%85b", 400, 0},
	{"/v1/people/%FF", 400, 0},
	{"/v1/people/%C0%AF", 400, 0},
	{"/v1/people/张", 400, 0},
	{`/v1/people/a"b`, 400, 0},
	{"/v1/people/a|b", 400, 0},
	{"/v1/people/{env.HOME}", 400, 0},
	{"/v1/people/%", 400, 0},
	{"/v1/people/%zz", 400, 0},
	{"*", 400, 0},
	{"/", 404, 0},
	{"/V1/people/C1", 400, 0}, // an upstream that folds case would serve it
	{"/v1/PEOPLE/C1", 400, 0},
	{"/v1/people/C1/x/y", 404, 0},
	{"/v1/people.json", 404, 0},
	{"/v1/people/C1/search!it", 200, 0},
	{"/v1/people/C1/search%21it", 400, 0}, // an upstream that decodes would serve another route
	{"/v1/people/C1/SEARCH!IT", 400, 0},
	{"/v1/people/C1/other", 200, 0},
	{"/v1/people?page=1&page=1", 400, 0},
	{"/v1/people?page=1&%70age=2", 400, 0},
	{"/v1/people?Page=1", 400, 0},
	{"/v1/people?page[]=1", 400, 0},
	{"/v1/people?_method=DELETE", 400, 0},
	{"/v1/people?page=1;q=2", 400, 0},
	{"/v1/people?page=%zz", 400, 0},
	{"/v1/people?page=%FF", 400, 0},
	{"/v1/people?=1", 400, 0},
	{"/v1/people?&", 200, 0},
	{"/v1/people?page=1&select=*", 400, 0},
	{"/v1/people?q=" + strings.Repeat("x", 8<<10), 400, 0},
	{"/v1/people?" + strings.Repeat("x=1&", 10001), 400, 431},
	// No fragment, for a server: encoded anew, the value is 1#fragment.
	{"/v1/people?page=1#fragment", 200, 0},
}
