package gatewaytest

import (
	"fmt"
	"strings"
)

// An Answer is what a data service may say to GET /v1/people/C1, asked for by the agent agent-07,
// and what the caller gets to see of it. The route's subject is $.id; it lists $.name and
// $.agentId, which leave, and $.pin, which does not. At most 5000 bytes of the answer may be
// buffered.
type Answer struct {
	Name   string
	Text   string // head and body, or whatever else; $ stands for a canary of [NewCanary]
	Status int    // that the caller gets
	Behind bool   // something follows the answer: the gateway has to end the connection
}

// With returns the answer's text with a canary in it.
func (a Answer) With(canary string) string { return strings.ReplaceAll(a.Text, "$", canary) }

const (
	ok      = "HTTP/1.1 200 OK\r\n"
	js      = "Content-Type: application/json\r\n"
	chunked = "Transfer-Encoding: chunked\r\n"

	good = `{"id":"C1","name":"王","pin":"$","agentId":"agent-07","x":"$"}`
)

// sizeOf is a text's length, once canaries are in it.
func sizeOf(text string) int { return len(text) + (canarySize-1)*strings.Count(text, "$") }

func whole(head, body string) string {
	return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", sizeOf(body), body)
}

func chunk(extension, body string) string {
	return fmt.Sprintf("%x%s\r\n%s\r\n", sizeOf(body), extension, body)
}

// Answers are answers of which no canary may leave: to the caller, a log, a metric or a record.
var Answers = []Answer{
	{"protected fields", whole(ok+js, good), 200, false},
	{"headers",
		whole(ok+js+"Location: /$\r\nSet-Cookie: c=$\r\nLink: <$>\r\nX-Name: $\r\n"+
			"Content-Disposition: attachment; filename=$\r\nServer: $\r\nDate: $\r\n"+
			"Etag: \"$\"\r\n"+
			"X-Correlation-Id: $\r\nCache-Control: $\r\nCdn-Cache-Control: $\r\nVary: $\r\n"+
			"Warning: $\r\nAlt-Svc: $\r\n", good),
		200, false},
	{"reason phrase", whole("HTTP/1.1 200 $\r\n"+js, good), 200, false},
	{"error body", whole("HTTP/1.1 500 $\r\n"+js+"X-Error: $\r\n", good), 502, false},
	{"not found body", whole("HTTP/1.1 404 $\r\n"+js, good), 404, false},
	{"challenge",
		whole("HTTP/1.1 401 $\r\n"+js+"WWW-Authenticate: Basic realm=\"$\"\r\n", good),
		502, false},
	{"redirect", whole("HTTP/1.1 302 Found\r\nLocation: http://x/$\r\n", good), 502, false},
	{"no content", "HTTP/1.1 204 $\r\nX-Name: $\r\n\r\n", 204, false},
	{"not modified", "HTTP/1.1 304 $\r\nEtag: $\r\n\r\n", 502, false},
	{"partial",
		whole("HTTP/1.1 206 Partial\r\n"+js+"Content-Range: bytes 0-1/$\r\n", good),
		502, false},
	{"byte ranges",
		whole("HTTP/1.1 206 Partial\r\nContent-Type: multipart/byteranges; boundary=$\r\n", good),
		502, false},
	{"media type", whole(ok+"Content-Type: $/json\r\n", good), 502, false},
	{"media type parameter",
		whole(ok+"Content-Type: application/json; name=$\r\n", good),
		200, false},
	{"charset", whole(ok+"Content-Type: application/json; charset=$\r\n", good), 502, false},
	{"encoding", whole(ok+js+"Content-Encoding: $\r\n", good), 502, false},
	{"callback", whole(ok+"Content-Type: application/javascript\r\n", "f("+good+")"), 502, false},
	{"invalid JSON", whole(ok+js, `{"id":"C1","$":$}`), 502, false},
	{"duplicate name", whole(ok+js, `{"id":"C1","$":1,"$":2}`), 502, false},
	{"trailing data", whole(ok+js, good+"$"), 502, false},
	{"no subject", whole(ok+js, `{"name":"$"}`), 502, false},
	{"subject is an object", whole(ok+js, `{"id":{"$":"$"},"name":"$"}`), 502, false},
	{"unlisted names",
		whole(ok+js, `{"id":"C1","agentId":"agent-07","$":{"$":["$"]}}`),
		200, false},
	{"trailers",
		ok + js + chunked + "Trailer: X-Name\r\n\r\n" + chunk("", good) +
			"0\r\nX-Name: $\r\nX-Other: $\r\n\r\n",
		200, false},
	{"chunk extensions",
		ok + js + chunked + "\r\n" + chunk(";e=$", good) + "0;e=$\r\n\r\n",
		200, false},
	{"malformed trailer",
		ok + js + chunked + "\r\n2\r\n{}\r\n0\r\n$ no colon\r\n\r\n",
		502, false},
	{"malformed chunk", ok + js + chunked + "\r\n$\r\n{}\r\n", 502, false},
	{"malformed length", ok + js + "Content-Length: $\r\n\r\n{}", 502, false},
	{"two lengths", ok + js + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}$", 502, false},
	{"early hints",
		"HTTP/1.1 103 Early Hints\r\nLink: <$>\r\n\r\nHTTP/1.1 103 $\r\nX-Name: $\r\n\r\n" +
			whole(ok+js, good),
		200, false},
	{"100 and 102",
		"HTTP/1.1 100 Continue\r\nX: $\r\n\r\nHTTP/1.1 102 $\r\nX-Name: $\r\n\r\n" +
			whole(ok+js, good),
		200, false},
	{"only hints", "HTTP/1.1 103 Early Hints\r\nLink: <$>\r\n\r\n", 502, false},
	{"upgrade",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: $\r\n\r\n$",
		502, false},
	{"upgrade unasked", "HTTP/1.1 101 Switching Protocols\r\n\r\n$", 502, false},
	{"dies in the body", ok + js + "Content-Length: 500\r\n\r\n" + good, 502, false},
	{"dies in a chunk", ok + js + chunked + "\r\nff\r\n" + good, 502, false},
	{"dies in the head", "HTTP/1.1 200 OK\r\nX-Name: $", 502, false},
	{"not HTTP", "$\r\n\r\n", 502, false},
	{"status line", "HTTP/1.1 $$\r\n\r\n", 502, false},
	{"bad header line", ok + "$ $\r\n\r\n", 502, false},
	{"header with a control", ok + js + "X: $\x00$\r\n\r\n{}", 502, false},
	{"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + js + "\r\n" + good, 200, false},
	{"HTTP/0.9", good, 502, false},
	{"more than its length",
		whole(ok+js, good) + "HTTP/1.1 200 OK\r\nX-Name: $\r\n\r\n$",
		200, true},
	{"unsolicited", whole(ok+js, good) + "$ $ $", 200, true},
	{"too long", whole(ok+js, `{"id":"C1","name":"`+strings.Repeat("$", 400)+`"}`), 502, false},
}
