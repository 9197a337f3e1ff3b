package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/rules"
)

// This file has all that decides about headers: which of the caller's headers the data service
// gets, and which of the data service's headers the caller gets. Either way there is a list of what
// passes; what is not listed does not. Names that rule files and configuration add are checked when
// they are loaded: [rules.CheckHeader] checks those for answers, checkRequestHeader those for
// requests.

// correlationHeader carries the identifier by which caller, operator and auditor speak of the same
// request.
const correlationHeader = "X-Correlation-Id"

// forwarded are the caller's headers that the data service gets. It does not get identity, method
// overrides, ranges, conditions and encodings; Accept and Accept-Encoding are the gateway's own.
var forwarded = []string{"Accept-Language", "Content-Type", "Traceparent", "Tracestate"}

// heldBack are request headers that no configuration passes on: they steer the connection, ask for
// something other than the whole, plain answer, or are the gateway's to set.
var heldBack = []string{
	"Accept", "Accept-Encoding", "User-Agent", correlationHeader, "Host", "Content-Length",
	"Content-Encoding", "Transfer-Encoding", "Trailer", "Te", "Connection", "Keep-Alive",
	"Proxy-Connection", "Proxy-Authorization", "Upgrade", "Http2-Settings", "Expect",
	"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"X-Http-Method", "X-Http-Method-Override", "X-Method-Override", "X-Original-Url",
	"X-Rewrite-Url",
}

// checkRequestHeader reports why a caller's header cannot be passed on; nil if it can.
func checkRequestHeader(name string) error {
	switch {
	case slices.Contains(heldBack, http.CanonicalHeaderKey(name)):
		return fmt.Errorf(
			"request header %s is never passed on; remove it from request_headers", name)
	case !rules.IsHeaderName(name):
		return fmt.Errorf("request_headers: want names of headers; have %q", name)
	}
	return nil
}

// upstreamHeader makes the header of the request to the data service: what is forwarded, what the
// configuration adds, and the gateway's own.
func upstreamHeader(r *http.Request, route *rules.Route, added []string, id string) http.Header {
	h := make(http.Header, 8)
	nominated := connectionOptions(r.Header)
	for _, names := range [][]string{forwarded, added} {
		for _, name := range names {
			name = http.CanonicalHeaderKey(name)
			if v := r.Header.Values(name); len(v) > 0 && !slices.Contains(nominated, name) {
				h[name] = v
			}
		}
	}
	h["Accept"] = []string{strings.Join(route.MediaTypes, ", ")}
	h["Accept-Encoding"] = []string{"identity"}
	h[correlationHeader] = []string{id}
	h["User-Agent"] = []string{"maskgate"}
	return h
}

// connectionOptions returns the headers that Connection names: they are for this hop only (RFC 9110
// §7.6.1).
func connectionOptions(h http.Header) []string {
	var names []string
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	return names
}

// setOwnHeader sets what every answer carries. No cache may keep an answer that was made for one
// caller.
func setOwnHeader(h http.Header, purposeHeader, id string) {
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Authorization, "+purposeHeader)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(correlationHeader, id)
	h.Del("Server")
}

// passHeader copies from an answer the headers that may leave.
func passHeader(to, from http.Header, names []string) {
	for _, name := range names {
		if v := from.Values(name); len(v) > 0 {
			to[http.CanonicalHeaderKey(name)] = v
		}
	}
}
