package gateway

import (
	"net/http"
	"strconv"
	"time"
)

// A reply is the answer to the caller, as it is written. One goroutine writes it.
type reply struct {
	*exchange
	writer     http.ResponseWriter
	connection *http.ResponseController

	begun bool // the header of a stream has left: an error can only end the connection
	parts int  // windows of a stream that are on record
	lent  bool // a write has failed, so the server may still read what it was given
}

func newReply(w http.ResponseWriter, x *exchange) *reply {
	to := &reply{exchange: x, writer: w, connection: http.NewResponseController(w)}
	if x.body != nil {
		// Whoever sends slowly, or never reads the answer, does not hold the connection for good.
		_ = to.connection.SetReadDeadline(time.Now().Add(x.handler.Timeout)) // not every server can
	}
	return to
}

// send sends an answer that is all there.
func (to *reply) send(out recorded) {
	to.mayRead()
	to.setHeader(&out.release)
	if out.document.mediaType != "" {
		to.writer.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	to.beginWriting()
	to.writer.WriteHeader(out.document.status)
	_ = to.write(out.body) // it fails if the caller went away
}

// sendWindow sends a window of a stream; the first begins the answer.
func (to *reply) sendWindow(out recorded) error {
	if !to.begun {
		to.begun = true
		to.setHeader(&out.release)
		if to.owesBody() {
			// Or net/http would read the rest of the request while the upstream does.
			to.writer.Header().Set("Connection", "close")
		}
		to.writer.WriteHeader(out.document.status)
	}
	if out.part == 0 {
		return nil // nothing was left of the answer, and nothing follows
	}
	to.beginWriting()
	// Of a window nothing may be left, but what is on record as released is told.
	if err := to.write(out.body); err != nil {
		return callerGone.because(reasonCallerGone)
	}
	if err := to.connection.Flush(); err != nil {
		return callerGone.because(reasonCallerGone)
	}
	// In HTTP/2 the deadline would end the stream also while nothing is written.
	_ = to.connection.SetWriteDeadline(time.Time{}) // not every server can
	return nil
}

// refuse answers with a refusal.
func (to *reply) refuse(why *refusal) {
	to.mayRead()
	h := to.writer.Header()
	setOwnHeader(h, to.gateway.options.PurposeHeader, to.id)
	if why.challenge != "" {
		h.Set("WWW-Authenticate", why.challenge)
	}
	if to.owesBody() {
		// Or net/http would read the rest of the request before it answers.
		h.Set("Connection", "close")
	}
	document := why.document(to.id)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(document)))
	to.beginWriting()
	to.writer.WriteHeader(why.status)
	_, _ = to.writer.Write(document) // it fails if the caller went away
}

// owesBody reports whether the caller has yet to send some of the request's body.
func (to *reply) owesBody() bool { return to.body != nil && !to.body.ended.Load() }

// mayRead takes back the deadline for the request's body, once the body is read.
func (to *reply) mayRead() {
	if to.body != nil && to.body.ended.Load() {
		_ = to.connection.SetReadDeadline(time.Time{}) // not every server can
	}
}

// beginWriting gives the caller the handler's timeout to read what is about to be written. net/http
// takes the deadline back after the request.
func (to *reply) beginWriting() {
	_ = to.connection.SetWriteDeadline(time.Now().Add(to.handler.Timeout)) // not every server can
}

// setHeader sets the header of an answer that leaves.
func (to *reply) setHeader(out *release) {
	h := to.writer.Header()
	setOwnHeader(h, to.gateway.options.PurposeHeader, to.id)
	passHeader(h, out.document.header, to.handler.ResponseHeaders)
	passHeader(h, out.document.header, out.document.route.Headers)
	if mediaType := out.document.mediaType; mediaType != "" {
		h.Set("Content-Type", mediaType)
	}
}

// write writes to the caller. If it fails, the server may have yet to send what it was given, as
// HTTP/2 does on a deadline: then, and if Write panics, lent stays.
func (to *reply) write(body []byte) error {
	to.lent = true
	_, err := to.writer.Write(body)
	to.lent = err != nil
	return err
}
