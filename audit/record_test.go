package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// fullRecord returns a record in which everything is set.
func fullRecord() Record {
	return Record{
		Event: EventAccess, Time: time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC),
		Gateway: "g1", Version: "v1", RulesDigest: "sha256:0", Note: "n",
		Access: &Access{
			ID: "01J",
			Caller: &Caller{
				ID: "u1", Roles: []string{"teller"}, Organisation: "o", TokenID: "t", Issuer: "i",
				AMR: []string{"mfa"}, ACR: "2", Region: "CN", Address: "10.0.0.1",
			},
			Purpose: "loan-review", Basis: "consent", BasisDocument: "PIA-2025-014",
			Method: "GET", Route: "GET /v1/customers", Upstream: "http://u",
			Service: "customer", ServiceOwner: "crm-team",
			Decision: Released, Reason: "r", Status: 200,
			RulesReviewers: []string{"wang.fang"},
			Records:        2, Denied: 1, Unlisted: 3, Bytes: 512, Part: 3,
			Profiles: []Profile{{
				Kind: "$.data.items[*]", Subjects: []string{"s1:AAAA", "s1:BBBB"}, Records: 2,
				Fields: []Field{{
					Path: "$.mobile", Type: "cn_mobile", Treatment: "mask", Reason: "permitted",
					Rule: "customer-data.yaml:12", Count: 2, Withheld: 1,
				}},
			}},
			Latency: 1500 * time.Microsecond, TLS: "1.3", Protocol: "HTTP/2.0",
		},
		RulesChange: &RulesChange{
			RulesBefore: "sha256:1",
			RuleFiles: []RuleFile{{
				Name: "customer.yaml", Kind: "service", SHA256: "0a", Owner: "crm-team",
				Reviewer: "wang.fang", Justification: "PIA-2025-014",
			}},
		},
		Start: &Start{RecoveredBytes: 7},
	}
}

// members calls see with the name and value of each field of a record, those
// of its parts among them, and the name that the field has in JSON.
func members(r Record, see func(name, member string, v reflect.Value)) {
	v := reflect.ValueOf(r)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.Anonymous {
			member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			see(f.Name, member, v.FieldByIndex(f.Index))
		}
	}
}

// TestRecordMembers: each field of a record and of its parts is one member of
// one flat object. Package json would leave out two of one name, silently.
func TestRecordMembers(t *testing.T) {
	line, err := fullRecord().encode()
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+string(line)), &object); err != nil {
		t.Fatal(err)
	}
	members(fullRecord(), func(name, member string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("fullRecord leaves %s empty", name)
		}
		if name == "Latency" {
			member = "latency_us"
		}
		if object[member] == nil {
			t.Errorf("the line has no member %q of %s", member, name)
		}
		delete(object, member)
	})
	if len(object) > 0 {
		t.Errorf("the line has members %v, of which the record knows nothing",
			slices.Collect(maps.Keys(object)))
	}
}

// TestRecordParts: the part of a record's event can be read, and no other is
// there if the line has nothing of it.
func TestRecordParts(t *testing.T) {
	for _, event := range []Event{EventAccess, EventStart, EventStop, EventRules, "later"} {
		var r Record
		line := fmt.Appendf(nil, `{"seq":1,"event":%q,"note":"n","later":1}`, event)
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if (r.Access != nil) != (event == EventAccess) ||
			(r.Start != nil) != (event == EventStart) ||
			(r.RulesChange != nil) != (event == EventRules) || r.Note != "n" {
			t.Errorf("the line of an event %q is decoded as %+v", event, r)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	elsewhere := time.Date(2026, 3, 1, 16, 0, 0, 0, time.FixedZone("", 8*3600))
	for _, r := range []Record{
		fullRecord(), {}, {Event: EventStart, Start: new(Start), Time: elsewhere},
	} {
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		var got Record
		if err := json.Unmarshal([]byte(`{"seq":5,`+string(line)), &got); err != nil {
			t.Fatalf("decoding %s: %v", line, err)
		}
		r.Time = r.Time.UTC()
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("record changed on its way (-in +out):\n%s", diff)
		}
	}
	want := `"time":"2026-03-01T08:00:00Z","event":"access","latency_us":2}`
	line, err := Record{
		Event: EventAccess, Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
		Access: &Access{Latency: 2 * time.Microsecond},
	}.encode()
	if err != nil || string(line) != want {
		t.Errorf("encode = %s, %v, want %s", line, err, want)
	}
}

// TestRecordInjection writes values that would forge lines if they could.
func TestRecordInjection(t *testing.T) {
	values := []string{
		"a\nb", "a\r\nb", "x\n{\"seq\":1,\"time\":\"2026-03-01T08:00:00Z\"}\n",
		"\"}\n{\"checkpoint\":\"", "\x00", "\x1b[2J", "\x7f",
		"\u009b2J", "\u0085", "\u2028\u2029", "\u202eabc", "\u2066x", "\u200f", "\xff\xfe", "a\xc3",
		"\xed\xa0\x80", "<&>", `\u0000`, `\`, `"`, "\ufeff", "张三",
	}
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	l := mustOpen(t, o)
	for _, v := range values {
		mustAppend(t, l, Record{Event: EventStart, Note: v, Access: &Access{
			Caller:   &Caller{ID: v, Roles: []string{v}},
			Profiles: []Profile{{Kind: v, Subjects: []string{v}}},
		}})
	}
	mustClose(t, l)
	sum, err := Verify(o.Dir, o.Verifiers)
	if err != nil || sum.Records != int64(len(values)) {
		t.Fatalf("Verify = %+v, %v, want %d records", sum, err, len(values))
	}
	data := string(files(t, o.Dir)[segmentName(0)])
	if lines := strings.Count(data, "\n"); lines != 1+2*len(values) {
		t.Errorf("the segment has %d lines, want %d", lines, 1+2*len(values))
	}
	control := func(r rune) bool { return r != '\n' && (r < ' ' || obeyed(r)) }
	if !utf8.ValidString(data) || strings.ContainsFunc(data, control) {
		t.Error("the segment has invalid UTF-8 or control characters")
	}
	i := 0
	for e, err := range Search(o.Dir, Query{}) {
		want := strings.ToValidUTF8(values[i], "\ufffd")
		switch values[i] {
		case "\xff\xfe":
			want = "\ufffd\ufffd" // one for each byte
		case "\xed\xa0\x80":
			want = "\ufffd\ufffd\ufffd"
		}
		if err != nil || e.Record.Note != want || e.Record.Caller.ID != want || e.Seq != int64(i) {
			t.Errorf("Search yields %q, %v, want %q", e.Record.Note, err, want)
		}
		i++
	}
	for i, v := range values {
		n := 0
		for e, err := range Search(o.Dir, Query{Caller: strings.ToValidUTF8(v, "\ufffd")}) {
			if err != nil || e.Seq != int64(i) {
				continue
			}
			n++
		}
		if n != 1 && utf8.ValidString(v) {
			t.Errorf("Search for caller %q finds it %d times, want once", v, n)
		}
	}
}

func TestRecordTooLarge(t *testing.T) {
	o := testOptions(t, filepath.Join(t.TempDir(), "log"))
	l := mustOpen(t, o)
	_, err := l.Append(context.Background(), Record{Note: strings.Repeat("x", maxLine)})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("Append of more than 16 MiB = %v, want ErrTooLarge", err)
	}
	mustAppend(t, l, Record{Note: strings.Repeat("x", maxLine-1000)})
	mustAppend(t, l, Record{Note: "small"})
	mustClose(t, l)
	if sum, err := Verify(o.Dir, o.Verifiers); err != nil || sum.Records != 2 {
		t.Errorf("Verify = %+v, %v, want 2 records", sum, err)
	}
	mustClose(t, mustOpen(t, o))
}

func TestSubject(t *testing.T) {
	// printf %s 13812345678 | openssl dgst -sha256 -hmac key -binary | head -c16 | base64
	const want = "s3:oxT5FJweCAg5GAuG0YVCwQ"
	if got := Subject([]byte("key"), 3, "13812345678"); got != want {
		t.Errorf("Subject = %v, want %v", got, want)
	}
	k := SubjectKey{3, []byte("key")}
	if got := k.Subject("13812345678"); got != want {
		t.Errorf("SubjectKey.Subject = %v, want %v", got, want)
	}
}
