package gateway

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

// This file is the one way from an answer to decided bytes. The live request, the shadow, the
// recording of shapes and the tests of rules all walk it: they differ in the answer and the decider
// that they hand in, and in what they do with the result.

// A document is an answer that was checked against a route. Only open makes one.
type document struct {
	status    int
	header    http.Header
	route     *rules.Route
	mediaType string // "": it has no body
	framing   masking.Framing
	body      []byte        // its beginning, or all of it
	rest      io.ReadCloser // what follows; nil: nothing does
}

// open checks an answer against the route that was asked. body is what the upstream has buffered of
// the answer. If the answer cannot be rewritten, the error is its refusal.
func (a Answer) open(route *rules.Route, body []byte) (*document, error) {
	d := &document{status: a.Status, header: a.Header, route: route, body: body, rest: a.Rest}
	switch {
	case a.CarriesData():
	case a.Status == http.StatusNoContent:
		d.body = nil
		return d, nil
	case a.blamesCaller():
		// The status is passed on, with the gateway's own body.
		title := http.StatusText(a.Status)
		if title == "" {
			title = "The data service refused"
		}
		p := problem{"upstream-status", a.Status, title,
			"The data service answered so; its text is not passed on."}
		return nil, p.because(reasonUpstreamError)
	default:
		return nil, upstreamRefused.causedBy(reasonUpstreamError, fmt.Errorf("status %d", a.Status))
	}
	for _, e := range a.Header.Values("Content-Encoding") {
		if !strings.EqualFold(e, "identity") {
			return nil, upstreamRefused.because(reasonEncoding)
		}
	}
	types := a.Header.Values("Content-Type")
	if len(types) != 1 {
		return nil, upstreamRefused.because(reasonMediaType)
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	charset, has := params["charset"]
	if err != nil || !slices.Contains(route.MediaTypes, mediaType) ||
		has && !strings.EqualFold(charset, "utf-8") {
		return nil, upstreamRefused.because(reasonMediaType)
	}
	d.mediaType, d.framing = mediaType, route.Framing(mediaType)
	return d, nil
}

// blamesCaller reports whether the status says that the request was at fault, and not the gateway's
// own access to the data service.
func (a Answer) blamesCaller() bool {
	return a.Status >= 400 && a.Status < 500 &&
		a.Status != http.StatusUnauthorized && a.Status != http.StatusProxyAuthRequired
}

// hasRecords reports whether the document has records to decide. What is public passes unread.
func (d *document) hasRecords() bool { return d.mediaType != "" && d.route.Public == "" }

// rewrite makes of a whole document, in the buffers, what the decider lets through, and reports
// there what became of the records. A public route's document it returns unread. With an error
// nothing may leave.
func (d *document) rewrite(
	ctx context.Context, decider masking.Decider, b *buffers,
) ([]byte, error) {
	if !d.hasRecords() {
		return d.body, nil
	}
	var err error
	b.out, err = d.route.Layout.Append(ctx, b.out, d.body, d.framing, decider, &b.report)
	return b.out, err
}

// rewriteWindows is rewrite for a document that streams: body reads all of it, and release gets
// what is made of it, window by window. It refuses the document of a public route, which would pass
// unread and unbounded.
func (d *document) rewriteWindows(
	ctx context.Context, body io.Reader, decider masking.Decider,
	release func(window []byte, report *masking.Report) error,
) error {
	if !d.hasRecords() {
		return upstreamRefused.because(reasonTooLarge)
	}
	return d.route.Layout.Rewrite(ctx, body, d.framing, decider, release)
}
