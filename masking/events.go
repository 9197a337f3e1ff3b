package masking

import "bytes"

// recordSeparator stands in front of each text of a JSON text sequence (RFC 7464 §2.2).
const recordSeparator = 0x1e

// unit returns how many bytes the first unit of a sequence takes, 0 if it is not there whole.
func (f Framing) unit(src []byte) int {
	switch f {
	case Lines:
		return bytes.IndexByte(src, '\n') + 1
	case Sequence:
		if len(src) == 0 {
			return 0
		}
		return bytes.IndexByte(src[1:], recordSeparator) + 1
	case Events:
		return eventSize(src, false)
	}
	return 0
}

// around returns where the line or text of a sequence that holds a document begins and ends.
func (f Framing) around(src []byte, start, end int) (int, int) {
	if f == Sequence {
		start = bytes.LastIndexByte(src[:start], recordSeparator)
		if next := bytes.IndexByte(src[end:], recordSeparator); next >= 0 {
			return start, end + next
		}
		return start, len(src)
	}
	start = bytes.LastIndexByte(src[:start], '\n') + 1
	if next := bytes.IndexByte(src[end:], '\n'); next >= 0 {
		return start, end + next + 1
	}
	return start, len(src)
}

// eventSize returns how many bytes the first event of a stream takes, with the blank line that ends it; 0 if it does not end.
// all says that nothing follows src.
func eventSize(src []byte, all bool) int {
	for at := 0; at < len(src); {
		text, size := eventLine(src[at:], all)
		if size == 0 {
			return 0
		}
		at += size
		if len(text) == 0 {
			return at
		}
	}
	return 0
}

// eventLine returns the first line of an event stream, without its end, and the bytes it takes with it; 0 if its end is not
// there. Lines end in LF, CR or CRLF (HTML, server-sent events §9.2.5).
func eventLine(src []byte, all bool) (text []byte, size int) {
	i := bytes.IndexAny(src, "\r\n")
	switch {
	case i < 0:
		return nil, 0
	case src[i] == '\n' || i+1 < len(src) && src[i+1] != '\n':
		return src[:i], i + 1
	case i+1 < len(src):
		return src[:i], i + 2
	case all:
		return src[:i], i + 1
	}
	return nil, 0 // a CR, and an LF may follow
}

// payloads appends the data of each event as a text of a JSON text sequence. Other fields and comments are left out, and so
// is an event without data, or one that does not end.
func payloads(dst, src []byte) []byte {
	for {
		size := eventSize(src, true)
		if size == 0 {
			return dst
		}
		start := len(dst)
		for event := src[:size]; len(event) > 0; {
			text, next := eventLine(event, true)
			event = event[next:]
			name, value, _ := bytes.Cut(text, []byte(":"))
			if string(name) != "data" {
				continue
			}
			if len(dst) == start {
				dst = append(dst, recordSeparator)
			} else {
				dst = append(dst, '\n')
			}
			dst = append(dst, bytes.TrimPrefix(value, []byte(" "))...)
		}
		if len(dst) > start {
			dst = append(dst, '\n')
		}
		src = src[size:]
	}
}

// appendEvents is the reverse: each text becomes an event.
func appendEvents(dst, sequence []byte) []byte {
	for len(sequence) > 0 {
		text := sequence[1:]
		sequence = nil
		if end := bytes.IndexByte(text, recordSeparator); end >= 0 {
			text, sequence = text[:end], text[end:]
		}
		for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
			dst = append(dst, "data: "...)
			dst = append(dst, line...)
			dst = append(dst, '\n')
		}
		dst = append(dst, '\n')
	}
	return dst
}
