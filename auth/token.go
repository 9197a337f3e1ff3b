package auth

import (
	"encoding/base64"
	"strings"
)

// maxKeyID is the longest kid that is looked up, in bytes.
const maxKeyID = 256

// header is what counts of the JOSE header (RFC 7515 section 4.1).
type header struct {
	algorithm string
	typ       string // in the form of normalType
	keyID     string // "" if there is none
}

// parseCompact checks the form of a token and returns its header. The payload is not looked at: it
// means nothing before the signature is checked.
func parseCompact(token string, maxSize int) (header, *Error) {
	if len(token) > maxSize {
		return header{}, refuse(ReasonTooLarge)
	}
	// Five parts are a JWE (RFC 7516 section 3.1), and a brace begins a JSON serialisation.
	if strings.Count(token, ".") != 2 {
		return header{}, refuse(ReasonMalformed)
	}
	var first []byte
	for i, part := range strings.Split(token, ".") {
		decoded, ok := decodePart(part)
		if !ok {
			return header{}, refuse(ReasonMalformed)
		}
		if i == 0 {
			first = decoded
		}
	}
	return parseHeader(first)
}

// decodePart decodes base64url as RFC 7515 section 2 has it. One value has one encoding: no
// padding, no line breaks (which encoding/base64 would skip), no stray bits in the last character.
func decodePart(part string) ([]byte, bool) {
	for i := range len(part) {
		if !isBase64URL(part[i]) {
			return nil, false
		}
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return decoded, err == nil && len(decoded) > 0
}

func parseHeader(data []byte) (header, *Error) {
	params, err := parseObject(data)
	if err != nil {
		return header{}, refuse(ReasonMalformed)
	}
	// No extension is understood, so all critical ones are refused (RFC 7515 section 4.1.11), an
	// unencoded payload too (RFC 7797). enc and zip belong to a JWE.
	for _, name := range []string{"crit", "b64", "enc", "zip"} {
		if _, ok := params[name]; ok {
			return header{}, refuse(ReasonHeader)
		}
	}
	var h header
	var ok bool
	if h.algorithm, ok = params["alg"].(string); !ok {
		return header{}, refuse(ReasonAlgorithm)
	}
	if typ, there := params["typ"]; there {
		if h.typ, ok = typ.(string); !ok {
			return header{}, refuse(ReasonType)
		}
		h.typ = normalType(h.typ)
	}
	if keyID, there := params["kid"]; there {
		if h.keyID, ok = keyID.(string); !ok || len(h.keyID) > maxKeyID {
			return header{}, refuse(ReasonHeader)
		}
	}
	return h, nil
}
