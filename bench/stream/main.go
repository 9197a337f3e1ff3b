// Command stream shows that memory stays flat: it rewrites an array of customers that is made as it
// is read, and refuses a string without end, and prints the most memory that the process had
// (VmHWM, Linux).
//
//	go run -C bench ./stream [-gib 10]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/treatment"
)

func main() {
	gib := flag.Float64("gib", 10, "size of the array")
	flag.Parse()
	if err := run(int64(*gib * (1 << 30))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(size int64) error {
	layout, err := masking.Compile(masking.Spec{Records: []masking.RecordSpec{{
		Select: "$.items[*]", Subject: "$.customerId",
		Fields: []string{"$.customerId", "$.name", "$.income"},
	}}})
	if err != nil {
		return err
	}
	expression, err := treatment.ParseExpression("person_name")
	if err != nil {
		return err
	}
	built, err := expression.Treatment(treatment.Environment{})
	if err != nil {
		return err
	}
	d := decider{record: masking.Profile{Treatments: []masking.Treatment{{}, built, {}}}}
	record := []byte(`{"customerId":"C00000052","name":"许波泽","income":179800,` +
		`"address":"上海市杨浦区东风大道367号金桂苑4号楼4单元102室"},`)
	array := &source{
		head: []byte(`{"items":[`),
		body: bytes.Repeat(record, 1000),
		tail: append(bytes.TrimSuffix(record, []byte(",")), "]}"...),
		left: size,
	}
	begin, windows, out := time.Now(), 0, int64(0)
	err = layout.Rewrite(context.Background(), array, masking.Document, &d,
		func(window []byte, _ *masking.Report) error {
			windows++
			out += int64(len(window))
			return nil
		})
	if err != nil {
		return err
	}
	speed := float64(size) / 1e6 / time.Since(begin).Seconds()
	fmt.Printf("array: %.1f GiB in, %.1f GiB out in %d windows, %.0f MB/s; peak %s\n",
		float64(size)/(1<<30), float64(out)/(1<<30), windows, speed, peak())
	text := &source{
		head: []byte(`{"items":[{"name":"`),
		body: bytes.Repeat([]byte("x"), 1<<16),
		left: 1 << 30,
	}
	err = layout.Rewrite(context.Background(), text, masking.Document, &d,
		func([]byte, *masking.Report) error { return nil })
	var fault *masking.SyntaxError
	if !errors.As(err, &fault) {
		return fmt.Errorf("a string of 1 GiB: %v, want it refused", err)
	}
	fmt.Printf("string of 1 GiB: %v; peak %s\n", err, peak())
	return nil
}

// source is a body of that size, made as it is read.
type source struct {
	head, body, tail []byte
	left             int64
	pending          []byte
	begun            bool
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.pending) == 0 {
		switch {
		case !s.begun:
			s.pending, s.begun = s.head, true
		case s.left > 0:
			s.pending = s.body
			s.left -= int64(len(s.body))
		case s.tail != nil:
			s.pending, s.tail = s.tail, nil
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// decider gives each record the same profile.
type decider struct{ envelope, record masking.Profile }

func (d *decider) Decide(
	_ context.Context, records []masking.Record, profiles []*masking.Profile,
) error {
	for i, r := range records {
		profiles[i] = &d.record
		if r.Kind == masking.Envelope {
			profiles[i] = &d.envelope
		}
	}
	return nil
}

func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	if m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status); m != nil {
		return string(m[1]) + " kB"
	}
	return "unknown"
}
