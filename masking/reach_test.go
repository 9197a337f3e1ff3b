package masking

import (
	"strings"
	"testing"
)

func TestReach(t *testing.T) {
	l, err := Compile(Spec{
		Envelope: []string{"$.code", "$.data.total"},
		Records: []RecordSpec{
			{Select: "$.data.items[*]", Subject: "$.id", Inputs: []string{"$.agent"},
				Fields: []string{"$.id", "$.cards[0].no", "$.tags[?@.public]", "$.limits.*",
					"$..memo", "$.self", "$.guarantors"}},
			{Select: "$.data.items[*].guarantors[*]", Fields: []string{"$.name"}},
			{Select: "$.notes[?@.about]", Fields: []string{"$.about"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string // [] is an element, * a member of any name
		want bool
	}{
		{"code", true},
		{"message", false},
		{"data total", true},
		{"data items", false},
		{"data items []", false},
		{"data items [] id", true},
		{"data items [] agent", false}, // an input is read, not named
		{"data items [] code", false},
		{"data items [] cards [] no", true},
		{"data items [] tags []", true},
		{"data items [] limits day", true},
		{"data items [] limits *", true},
		{"data items [] *", false},
		{"data items [] a b memo", true},
		{"data items [] self", true},
		{"data items [] self []", true},
		{"data items [] self [] []", true},
		{"data items [] self anything", false}, // nobody said what is in an object
		{"data items [] self [] anything", false},
		{"data items [] limits day []", true},
		{"data items [] guarantors", true},
		{"data items [] guarantors [] name", true},
		{"data items [] guarantors [] memo",
			false}, // the inner record is cut off from the outer one's selectors
		{"notes [] about", true},
		{"id", false},
	} {
		r := l.Reach()
		for step := range strings.FieldsSeq(tt.path) {
			switch step {
			case "[]":
				r = r.Element()
			case "*":
				r = r.AnyMember()
			default:
				r = r.Member(step)
			}
		}
		if got := r.Named(); got != tt.want {
			t.Errorf("Named(%q) = %v, want %v", tt.path, got, tt.want)
		}
	}
	if a, b := l.Reach().Member("x"), l.Reach().Member("y"); a.Key() != b.Key() ||
		a.Key() == l.Reach().Key() {
		t.Errorf("keys %q, %q and %q, want the first two alike", a.Key(), b.Key(), l.Reach().Key())
	}
}
