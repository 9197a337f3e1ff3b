package treatment_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

// shifted returns what an expression makes of a date of a subject, under a key, or "dropped".
func shifted(t *testing.T, expression string, key []byte, date, subject masking.Value) string {
	t.Helper()
	e, err := treatment.ParseExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	built, err := e.Treatment(environment("birth_date", key, 1))
	if err != nil {
		t.Fatal(err)
	}
	out, ok := built.Transform.(masking.SubjectTransform).AppendFor(nil, date, subject)
	if !ok {
		return "dropped"
	}
	return string(out)
}

// daysOf returns the shift of a subject's dates, computed as the comment of shift says.
func daysOf(t *testing.T, key []byte, days, subject string, most int) int {
	t.Helper()
	sub, err := hkdf.Key(sha256.New, key, nil, "maskgate shift hmac-sha-256", 32)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, sub)
	h.Write([]byte(days + "\x00" + subject))
	n := int(binary.BigEndian.Uint64(h.Sum(nil)) % uint64(2*most))
	if n -= most; n >= 0 {
		return n + 1
	}
	return n
}

// A date moves as the calendar has it, by as many days as all dates of its subject do, and keeps
// its form.
func TestShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	least, most := 0, 0
	for range 5_000 {
		subject := "C" + pick(rng, "1", "2", "3", "a", "张三丰") + strings.Repeat("0", rng.IntN(50))
		days := daysOf(t, testKey, "30", subject, 30)
		least, most = min(least, days), max(most, days)
		if days == 0 || days < -30 || days > 30 {
			t.Fatalf("the dates of %q move by %d days", subject, days)
		}
		layout := pick(rng, "2006-01-02", "2006/01/02", "2006.01.02", "2006年01月02日", "20060102",
			"2006-01-02T15:04:05Z", "2006-01-02 15:04:05.5+08:00", "2006-01-02 15:04", "2006-1-2",
			"2006年1月2日", "2006/1/2")
		// Year ends and leap days are frequent.
		year := pick(rng, 1900, 1949, 1999, 2000, 2023, 2024)
		month := pick(rng, time.February, time.March, time.December, time.January)
		day := time.Date(year, month, 1+rng.IntN(31), 13, 14, 15, 5e8, time.UTC)
		date := day.Format(layout)
		// Such a date does not tell whether months and days below 10 have a zero in front.
		if day.Month() >= 10 && day.Day() >= 10 {
			layout = strings.NewReplacer("-1-2", "-01-02", "年1月2日", "年01月02日", "/1/2",
				"/01/02").Replace(layout)
		}
		want := `"` + day.AddDate(0, 0, days).Format(layout) + `"`
		got := shifted(t, "shift(days=30)", testKey, stringValue(date), stringValue(subject))
		if got != want {
			t.Fatalf("shift of %s of %q by %d days = %s, want %s", date, subject, days, got, want)
		}
	}
	if least != -30 || most != 30 {
		t.Errorf("dates moved by %d to %d days, want all from -30 to 30", least, most)
	}
}

func TestShiftOfOneSubject(t *testing.T) {
	alice, bob := stringValue("C00000001"), stringValue("C00000002")
	other := []byte(strings.Repeat("k", treatment.MinKey))
	date := stringValue("1949-12-31")
	first := shifted(t, "shift(days=3650)", testKey, date, alice)
	for _, test := range []struct {
		name       string
		expression string
		key        []byte
		subject    masking.Value
		same       bool
	}{
		{"again", "shift(days=3650)", testKey, alice, true},
		{"a number as the subject is its text", "shift(days=3650)", testKey,
			masking.Value{Kind: masking.Number, Text: []byte("C00000001")}, true},
		{"another subject", "shift(days=3650)", testKey, bob, false},
		{"another key", "shift(days=3650)", other, alice, false},
		{"other days", "shift(days=3649)", testKey, alice, false},
	} {
		got := shifted(t, test.expression, test.key, date, test.subject)
		if (got == first) != test.same {
			t.Errorf("%s: %s moves to %s, before to %s; want them the same: %v", test.name,
				date.Text, got, first, test.same)
		}
	}
	// Under any name, and in any type of field, the days between two dates of one person stay.
	between := func(from, to string) time.Duration {
		parse := func(s string) time.Time {
			var text string
			if err := json.Unmarshal([]byte(s), &text); err != nil {
				t.Fatal(err)
			}
			d, err := time.Parse("2006-01-02", text)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		return parse(to).Sub(parse(from))
	}
	second := shifted(t, "shift(days=3650)", testKey, stringValue("2024-02-29"), alice)
	want := between(`"1949-12-31"`, `"2024-02-29"`)
	if got := between(first, second); got != want {
		t.Errorf("between two dates of one subject lie %v, want %v", got, want)
	}
}

func TestShiftOddValues(t *testing.T) {
	var up, down masking.Value // subjects whose dates move forward and back
	for i := 0; up.Kind == 0 || down.Kind == 0; i++ {
		s := strings.Repeat("x", i+1)
		if daysOf(t, testKey, "7", s, 7) > 0 {
			up = stringValue(s)
		} else {
			down = stringValue(s)
		}
	}
	number := func(s string) masking.Value {
		return masking.Value{Kind: masking.Number, Text: []byte(s)}
	}
	for _, test := range []struct {
		name    string
		value   masking.Value
		subject masking.Value
		want    string
	}{
		{"no date", stringValue("张三丰"), up, `"****"`},
		{"day first", stringValue("31/12/1949"), up, `"****"`},
		{"no such day", stringValue("2023-02-29"), up, `"****"`},
		{"number that is no date", number("12"), up, `"****"`},
		{"beyond 2999", stringValue("2999-12-31"), up, `"****"`},
		{"before 1000", stringValue("1000-01-01"), down, `"****"`},
		{"null", masking.Value{Kind: masking.Null, Text: []byte("null")}, up, "dropped"},
		{"object", masking.Value{Kind: masking.Object, Text: []byte(`{}`)}, up, "dropped"},
	} {
		if got := shifted(t, "shift(days=7)", testKey, test.value, test.subject); got != test.want {
			t.Errorf("%s: shift of %s = %s, want %s", test.name, test.value.Text, got, test.want)
		}
	}
	got := shifted(t, "shift(days=7)", testKey, number("19491231"), up)
	if strings.Contains(got, `"`) || !strings.HasPrefix(got, "195001") {
		t.Errorf("shift of the number 19491231 forward = %s, want a number", got)
	}
	for _, text := range []string{"shift", "shift()", "shift(days=6)", "shift(days=3651)",
		"shift(30)", "shift(days=30, to=month)"} {
		e, err := treatment.ParseExpression(text)
		if err == nil {
			_, err = e.Treatment(environment("birth_date", testKey, 1))
		}
		if err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// A value is shifted for the subject of the innermost record around it. Where there is none it is
// withheld.
func TestShiftFollowsTheRecord(t *testing.T) {
	built := treatmentOf(t, "shift(days=30)")
	spec := masking.Spec{
		Envelope: []string{"$.at"},
		Records: []masking.RecordSpec{
			{Select: "$.people[*]", Subject: "$.id", Fields: []string{"$.born", "$.seen[*]"}},
			{Select: "$.people[*].guarantor", Subject: "$.id", Fields: []string{"$.born"}},
			{Select: "$.people[*].car", Fields: []string{"$.born"}},
		},
	}
	const in = `{"at":"2024-05-01","people":[{"born":"1949-12-31","seen":["2024-05-01",` +
		`"2024/5/2"],"guarantor":{"born":"1949-12-31","id":"B"},"car":{"born":"1949-12-31"},` +
		`"id":"A"}]}`
	move := func(date, layout, subject string) string {
		day, err := time.Parse(layout, date)
		if err != nil {
			t.Fatal(err)
		}
		return day.AddDate(0, 0, daysOf(t, testKey, "30", subject, 30)).Format(layout)
	}
	want := `{"people":[{"born":"` + move("1949-12-31", "2006-01-02", "A") + `","seen":["` +
		move("2024-05-01", "2006-01-02", "A") + `","` + move("2024/5/2", "2006/1/2", "A") +
		`"],"guarantor":{"born":"` + move("1949-12-31", "2006-01-02", "B") + `"},"car":{}}]}`
	one := &masking.Profile{Treatments: []masking.Treatment{built}}
	d := deciderFunc(func(records []masking.Record, profiles []*masking.Profile) error {
		for i, r := range records {
			if profiles[i] = one; r.Kind == 0 {
				profiles[i] = &masking.Profile{Treatments: []masking.Treatment{built, built}}
			}
		}
		return nil
	})
	layout, err := masking.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	var report masking.Report
	got, err := layout.Append(t.Context(), nil, []byte(in), masking.Document, d, &report)
	if err != nil || string(got) != want {
		t.Errorf("Append(%s)\n got %s, %v\nwant %s", in, got, err, want)
	}
	withheld := 0
	for _, tally := range report.Tallies {
		for _, n := range tally.Withheld {
			withheld += n
		}
	}
	if withheld != 2 {
		t.Errorf("%d values are withheld, want 2: those of the envelope and of the record "+
			"without a subject", withheld)
	}
	spec.Limits.Buffer, spec.Limits.Window = 8, 1
	if layout, err = masking.Compile(spec); err != nil {
		t.Fatal(err)
	}
	got = nil
	err = layout.Rewrite(t.Context(), strings.NewReader(in), masking.Document, d,
		func(part []byte, _ *masking.Report) error {
			got = append(got, part...)
			return nil
		})
	if err != nil || string(got) != want {
		t.Errorf("Rewrite(%s)\n got %s, %v\nwant %s", in, got, err, want)
	}
}
