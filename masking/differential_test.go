package masking_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/maskgate/maskgate/masking"
)

// A pair is the engine and the reference for one spec.
type pair struct {
	spec      masking.Spec
	engine    *masking.Layout
	reference *reference
}

// newPair returns nil where Compile refuses a spec that the reference takes: two of its kinds may
// select one value.
func newPair(spec masking.Spec) (*pair, error) {
	reference, err := newReference(spec)
	if err != nil {
		return nil, fmt.Errorf("the reference refuses %+v: %w", spec, err)
	}
	engine, refused := masking.Compile(spec)
	if refused != nil {
		return nil, nil //nolint:nilerr // what Compile refuses is not compared
	}
	return &pair{spec, engine, reference}, nil
}

// compare masks src by both and returns the class of the error, and what they differ in.
func (p *pair) compare(src []byte, framing masking.Framing, c *chooser) (fault, diff string) {
	ctx := context.Background()
	wantDecider, gotDecider := *c, *c
	wantDecider.seen, gotDecider.seen = nil, nil
	var wantReport, gotReport masking.Report
	want, wantErr := p.reference.Append(ctx, []byte("before:"), src, framing, &wantDecider,
		&wantReport)
	source := slices.Clone(src)
	got, gotErr := p.engine.Append(ctx, []byte("before:"), source, framing, &gotDecider, &gotReport)

	switch {
	case class(wantErr) == "syntax" && class(gotErr) == "selection":
		// A response has both faults. The reference parses all of it before it selects.
	case class(wantErr) != class(gotErr):
		diff = fmt.Sprintf("the reference says %v, the engine %v", wantErr, gotErr)
	case !bytes.Equal(want, got):
		diff = fmt.Sprintf("the reference writes\n%s\nthe engine writes\n%s", want, got)
	case diffRecords(wantDecider.seen, gotDecider.seen) != "":
		diff = "records (-reference +engine)\n" + diffRecords(wantDecider.seen, gotDecider.seen)
	case !bytes.Equal(src, source):
		diff = fmt.Sprintf("the engine changes its source to\n%s", source)
	case wantErr == nil && diffReports(wantReport, gotReport) != "":
		diff = "report (-reference +engine)\n" + diffReports(wantReport, gotReport)
	case wantErr == nil && framing == masking.Document && !json.Valid(got[len("before:"):]):
		diff = fmt.Sprintf("both write no JSON:\n%s", got)
	}
	if diff != "" {
		diff += fmt.Sprintf("\nspec %+v\nframing %d\nsource %s\n       %q\nprofiles", p.spec,
			framing, src, src)
		for kind := masking.Envelope; kind < len(p.spec.Records); kind++ {
			for _, profile := range c.profiles[kind] {
				diff += fmt.Sprintf("\n  %d: %+v", kind, *profile)
			}
		}
	}
	return class(wantErr), diff
}

// long reports whether tests are to take their time: MASKGATE_LONG=1 go test ./masking
func long() bool { return os.Getenv("MASKGATE_LONG") == "1" }

// documents returns how many random documents a test tries: MASKGATE_DOCS if that is set, else n in
// a long run and a tenth in any other.
func documents(t *testing.T, n int) int {
	if s := os.Getenv("MASKGATE_DOCS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("MASKGATE_DOCS: %v", err)
		}
		return n
	}
	if long() {
		return n
	}
	return n / 10
}

// TestDifferential compares the engine with the reference on random documents. MASKGATE_SEED
// chooses others than it always takes.
func TestDifferential(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("MASKGATE_SEED"), 10, 64)
	const each = 20
	total := documents(t, 120_000) // about one spec in eight is refused
	faults := map[string]int{}
	refused, changed, records, nested, conditional, texts, differences := 0, 0, 0, 0, 0, 0, 0
	for i := 0; i < total/each && differences < 5; i++ {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		p, err := newPair(randomSpec(rng))
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			refused++
			continue
		}
		c := newChooser(rng, p.spec)
		for range each {
			framing := masking.Document
			if rng.IntN(8) == 0 {
				framing = masking.Lines
			}
			src := randomDocument(rng, framing)
			fault, diff := p.compare(src, framing, c)
			faults[fault]++
			if diff != "" {
				t.Errorf("MASKGATE_SEED=%d, spec %d: %s", seed, i, diff)
				differences++
				break
			}
			if fault == "" {
				var report masking.Report
				out, _ := p.engine.Append(t.Context(), nil, src, framing, c, &report)
				if treatsTexts(p.spec, c, report) {
					texts++
				}
				if !bytes.Equal(out, src) && len(out) > 2 {
					changed++
				}
				if outside, inside := p.engine.Needs(); max(outside, inside) > masking.NeedNothing {
					conditional++
				}
				if slices.ContainsFunc(c.seen, func(r masking.Record) bool { return r.Kind >= 0 }) {
					records++
				}
				inner := func(r masking.Record) bool {
					return r.Parent >= 0 && c.seen[r.Parent].Kind >= 0
				}
				if slices.ContainsFunc(c.seen, inner) {
					nested++
				}
			}
		}
	}
	t.Logf("%d specs refused of %d; documents by fault %v; %d rewritten to more than {}, %d with "+
		"records, %d with nested ones, %d by conditions, %d with JSON in strings",
		refused, total/each, faults, changed, records, nested, conditional, texts)
	if total >= 10_000 && differences == 0 {
		if refused > total/each/3 {
			t.Errorf("Compile refuses %d of %d random specs", refused, total/each)
		}
		if changed < total/10 || records < total/10 || nested < total/100 ||
			conditional < total/10 || texts < total/400 || faults["selection"] == 0 ||
			faults["syntax"] == 0 || faults["subject"] == 0 || faults["decider"] == 0 ||
			faults["nothing"] == 0 {
			t.Error("the random documents leave much untried")
		}
	}
}

// treatsTexts reports whether fields within strings were treated.
func treatsTexts(spec masking.Spec, c *chooser, report masking.Report) bool {
	for _, tally := range report.Tallies {
		for kind, profiles := range c.profiles {
			fields := len(spec.Envelope)
			if kind != masking.Envelope {
				fields = len(spec.Records[kind].Fields)
			}
			if slices.Contains(profiles, tally.Profile) &&
				slices.ContainsFunc(tally.Treated[min(fields, len(tally.Treated)):],
					func(n int) bool { return n > 0 }) {
				return true
			}
		}
	}
	return false
}

// FuzzDifferential compares the engine with the reference on the rows' and random specs.
func FuzzDifferential(f *testing.F) {
	for i, r := range rows {
		if len(r.in) < 1<<12 {
			f.Add(uint64(i), []byte(r.in), uint16(i))
		}
	}
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(0, seed))
		randomSpec(rng)
		f.Add(seed, randomDocument(rng, masking.Framing(seed%2)), uint16(len(rows)))
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte, spec uint16) {
		rng := rand.New(rand.NewPCG(0, seed))
		s := randomSpec(rng)
		framing := masking.Framing(seed % 2)
		if int(spec) < len(rows) {
			s, _ = rows[spec].compiled()
			framing = rows[spec].framing
		}
		if hugeExponent.Match(doc) {
			t.Skip("the reference would take too long")
		}
		p, err := newPair(s)
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			t.Skip("Compile refuses the spec")
		}
		c := newChooser(rng, s)
		// What the engine learns of the first and third of these serves the second and fourth.
		for _, doc := range [][]byte{doc, doc, compact(doc), compact(doc)} {
			if doc == nil {
				continue
			}
			if _, diff := p.compare(doc, framing, c); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// FuzzCompile compares what the engine and the reference take for a selector, and what it selects.
func FuzzCompile(f *testing.F) {
	for _, r := range rows {
		spec, _ := r.compiled()
		for _, s := range spec.Records {
			for _, q := range s.Fields {
				f.Add(q, []byte(r.in))
			}
		}
	}
	f.Fuzz(func(t *testing.T, selector string, doc []byte) {
		if strings.Count(selector, "..") > 3 || strings.Count(selector, "{") > 1 ||
			len(selector) > 200 || hugeExponent.Match(doc) || hugeExponent.MatchString(selector) {
			t.Skip("the reference would take too long, the engine too many states")
		}
		p := fieldPair(t, selector)
		if p == nil {
			return
		}
		if _, diff := p.compare(doc, masking.Document, starsChooser()); diff != "" {
			t.Error(diff)
		}
	})
}

// fieldPair returns the pair for one field in one record, nil if both refuse its selector.
func fieldPair(t *testing.T, selector string) *pair {
	t.Helper()
	spec := masking.Spec{Records: []masking.RecordSpec{{Select: "$", Fields: []string{selector}}},
		Unlisted: masking.UnlistedPass}
	reference, wantErr := newReference(spec)
	engine, err := masking.Compile(spec)
	if (wantErr == nil) != (err == nil) &&
		(err == nil || !strings.Contains(err.Error(), "the pattern is too large")) {
		t.Errorf("selector %q: the reference says %v, Compile %v", selector, wantErr, err)
		return nil
	}
	if err != nil {
		return nil
	}
	return &pair{spec, engine, reference}
}

func starsChooser() *chooser {
	return &chooser{profiles: map[int][]*masking.Profile{
		masking.Envelope: {{}},
		0:                {{Treatments: []masking.Treatment{verbs["stars"]}}},
	}}
}

// TestConcurrent uses one layout many times at once.
func TestConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range uint64(12) {
		rng := rand.New(rand.NewPCG(1, i))
		p, err := newPair(randomSpec(rng))
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			continue
		}
		for g := range uint64(4) {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(g, i))
				c := newChooser(rng, p.spec)
				for range 100 {
					doc := randomDocument(rng, masking.Document)
					if _, diff := p.compare(doc, masking.Document, c); diff != "" {
						t.Error(diff)
						return
					}
				}
			})
		}
	}
}

// conformance returns the path of a file or folder of the shared conformance suites.
func conformance(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("MASKGATE_CONFORMANCE")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "conformance")
	}
	name := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the conformance suites are missing: %v", err)
		}
		t.Skipf("the conformance suites are missing: %v", err)
	}
	return name
}

// TestParsingSuite runs JSONTestSuite. The engine refuses duplicate names, which the suite, as RFC
// 8259 section 4, leaves to the parser.
func TestParsingSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(conformance(t, "json", "test_parsing"), "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	p, err := newPair(masking.Spec{
		Records: []masking.RecordSpec{{Select: "$", Fields: []string{"$", "$..*"}}},
	})
	if p == nil || err != nil {
		t.Fatalf("Compile refuses the spec; %v", err)
	}
	open := &chooser{profiles: map[int][]*masking.Profile{masking.Envelope: {{}},
		0: {{Treatments: make([]masking.Treatment, 2)}}}}
	documented, err := os.ReadFile("../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	count := map[byte]int{}
	for _, file := range files {
		name := filepath.Base(file)
		count[name[0]]++
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.engine.Append(t.Context(), nil, src, masking.Document, open, nil)
		want := name[0]
		if want == 'i' {
			accepted := err == nil && bytes.Equal(out, src)
			verdict := map[bool]string{true: "accepted", false: "refused"}[accepted]
			row := fmt.Sprintf("| `%s` | %s |", strings.TrimSuffix(name, ".json"), verdict)
			if !bytes.Contains(documented, []byte(row)) {
				t.Errorf("%s is %s, which docs/json.md does not say", name, verdict)
			}
		}
		if strings.HasPrefix(name, "y_object_duplicated_key") {
			want = 'n'
		}
		switch {
		case want == 'y' && (err != nil || !bytes.Equal(out, src)):
			t.Errorf("%s: Append(%q) = %q, %v, want it as it is", name, src, out, err)
		case want == 'n' && class(err) != "syntax":
			t.Errorf("%s: Append(%.200q) = %q, %v, want a SyntaxError", name, src, out, err)
		}
		if _, diff := p.compare(src, masking.Document, open); diff != "" {
			t.Errorf("%s: %.2000s", name, diff)
		}
	}
	if count['y'] != 95 || count['n'] != 188 || count['i'] != 35 {
		t.Errorf("%d y_, %d n_ and %d i_ files, want 95, 188 and 35", count['y'], count['n'],
			count['i'])
	}
}
