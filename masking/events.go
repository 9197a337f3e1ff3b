package masking

import (
	"bytes"
	"slices"
)

// recordSeparator stands in front of each text of a JSON text sequence (RFC 7464 §2.2).
const recordSeparator = 0x1e

// unitAround returns where the line or text begins and ends that holds the document from start to
// end.
func (f Framing) unitAround(src []byte, start, end int) (int, int) {
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

// endOfLine returns where the line of an event stream that from lies in ends, and where the next
// line begins. next is 0 if that cannot be told before more of the stream is there; end is then
// where to go on. Lines end in LF, CR or CRLF (HTML, server-sent events §9.2.5). whole says that
// nothing follows src.
func endOfLine(src []byte, from int, whole bool) (end, next int) {
	i := bytes.IndexAny(src[from:], "\r\n")
	if i < 0 {
		return len(src), 0
	}
	end = from + i
	switch {
	case src[end] == '\n':
		return end, end + 1
	case end+1 < len(src) && src[end+1] == '\n':
		return end, end + 2
	case end+1 < len(src), whole:
		return end, end + 1
	}
	return end, 0 // a CR, behind which an LF may follow
}

// payloads appends the data of each event in src as a text of a JSON text sequence. It leaves out
// other fields and comments, an event without data, and an event that does not end. Unless lines is
// nil it also appends to lines where the data of each line comes from and goes to.
func payloads(dst, src []byte, lines *[]dataLine) []byte {
	start := len(dst) // where the event's text begins
	total := len(src)
	for {
		end, next := endOfLine(src, 0, true)
		if next == 0 {
			return dst[:start]
		}
		line := src[:end]
		src = src[next:]
		if len(line) == 0 {
			if len(dst) > start {
				dst = append(dst, '\n')
			}
			start = len(dst)
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "data" {
			continue
		}
		if len(dst) == start {
			dst = append(dst, recordSeparator)
		} else {
			dst = append(dst, '\n')
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		if lines != nil {
			from := total - len(src) - (next - end) - len(value)
			*lines = append(*lines, dataLine{from, len(dst), len(value)})
		}
		dst = append(dst, value...)
	}
}

// dataLine is the data of one line of an event: where it begins in the event stream and in the
// sequence that payloads makes of the stream, and how many bytes it has.
type dataLine struct{ from, to, size int }

// offsetInEvents turns an offset into the sequence that payloads makes of src into one into src. A
// byte that payloads adds counts as the end of the line in front of it.
func offsetInEvents(src []byte, offset int) int {
	var lines []dataLine
	payloads(nil, src, &lines)
	for _, line := range slices.Backward(lines) {
		if line.to <= offset {
			return line.from + min(offset-line.to, line.size)
		}
	}
	return 0
}

// appendEvents appends each text of a JSON text sequence as an event.
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
