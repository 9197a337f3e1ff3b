package masking

// Kind is the type of a JSON value.
type Kind uint8

const (
	Invalid Kind = iota // no value
	Null
	Bool
	Number
	String
	Object
	Array
)

func (k Kind) String() string {
	return [...]string{"no value", "null", "boolean", "number", "string", "object", "array"}[k]
}

// Value is one JSON value of a response.
type Value struct {
	Kind Kind
	// Text is what a string says, unescaped. Of a value of any other kind it is the value as it
	// stands in the response.
	Text []byte
}

// Rank orders treatments from the most open to the strictest.
type Rank uint8

const (
	RankClear  Rank = iota // the value as it is
	RankMask               // part of the value, or a coarser value: mask, bucket
	RankPseudo             // a stand-in for the value: pseudonym, token, ciphertext
	RankRedact             // nothing of the value: a constant
	RankDrop               // nothing at all
)

func (r Rank) String() string {
	return [...]string{"clear", "mask", "pseudonymise", "redact", "drop"}[r]
}

// Treatment is what happens to a field. The zero Treatment is clear.
type Treatment struct {
	Rank      Rank
	Transform Transform // nil if and only if Rank is RankClear or RankDrop
}

// Transform replaces a value by another. It is safe for concurrent use.
type Transform interface {
	// Append appends the JSON text that replaces v to dst. It reports false, and appends nothing,
	// if it does not take values of v's kind or cannot hide v, which is then dropped.
	Append(dst []byte, v Value) ([]byte, bool)
}

// SubjectTransform is a [Transform] that asks whom a value is about. Its Append takes no value.
type SubjectTransform interface {
	Transform
	// AppendFor is Append for a value of a record about subject.
	AppendFor(dst []byte, v, subject Value) ([]byte, bool)
}
