// Command engine compares the masking engine with its peers: what they do on the same documents, as
// ratios within one run.
//
//	go run -C bench ./engine [-rounds 100] [-round 5ms]
//
// The documents are pages of the demo's customers, of 1, 10, 100 and 1,000 records. The work is to
// mask six fields of each record and to drop one; sonic.Valid and gjson.ValidBytes only check the
// syntax, and neither looks for duplicate names. Each round times every contender once, for at
// least the time given, on one core. The figures, and the ratios, are those of each contender's
// fastest round: others who use the machine can only make a round slower.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 100, "rounds to take the fastest of")
	round := flag.Duration("round", 5*time.Millisecond, "least time for a contender in a round")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, records := range []int{1, 10, 100, 1000} {
		doc := document(records)
		fmt.Fprintf(out, "%.1f KB\tMB/s\tallocations\t", float64(len(doc))/1000)
		fmt.Fprint(out, "/ sonic.Valid\t/ gjson.ValidBytes\t/ encoding/json\t\n")
		contenders := all(doc)
		fastest := slices.Repeat([]float64{math.Inf(1)}, len(contenders)) // seconds a document
		allocations := make([]float64, len(contenders))
		for i, c := range contenders {
			c.run() // warm up
			allocations[i] = mallocs(c.run)
		}
		for range *rounds {
			for i, c := range contenders {
				fastest[i] = min(fastest[i], seconds(c.run, *round))
			}
		}
		for i, c := range contenders {
			speed := float64(len(doc)) / 1e6 / fastest[i]
			fmt.Fprintf(out, "%s\t%.0f\t%.0f\t", c.name, speed, allocations[i])
			for _, peer := range []string{sonicValid, gjsonValid, encodingJSON} {
				j := slices.IndexFunc(contenders, func(c contender) bool { return c.name == peer })
				fmt.Fprintf(out, "%.2f\t", fastest[j]/fastest[i])
			}
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out)
	}
	few, many := rules(10), rules(10_000)
	a, b := math.Inf(1), math.Inf(1)
	for range *rounds {
		a, b = min(a, seconds(few, *round)), min(b, seconds(many, *round))
	}
	fmt.Fprintf(out, "10,000 field rules cost %.2f of 10\n", b/a)
	out.Flush()
}

// seconds returns how long one call takes, over as many as take at least the time given.
func seconds(run func(), least time.Duration) float64 {
	begin := time.Now()
	for n := 1; ; n++ {
		run()
		if took := time.Since(begin); took >= least {
			return took.Seconds() / float64(n)
		}
	}
}

func mallocs(run func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 20
	for range n {
		run()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / n)
}
