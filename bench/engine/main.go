// Command engine compares the masking engine with its peers: what they do on the same documents, as ratios within one run.
//
//	go run -C bench ./engine [-rounds 9] [-round 60ms]
//
// The documents are pages of the demo's customers, of 1, 10, 100 and 1,000 records. The work is to mask six fields of each
// record and to drop one; sonic.Valid and gjson.ValidBytes only check the syntax, and neither looks for duplicate names. Each
// round times every contender once, for at least the time given, on one core; the figures are medians over the rounds, and
// the ratios medians of the rounds' ratios, so that what slows the machine for a while slows both sides.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "rounds to take the median of")
	round := flag.Duration("round", 60*time.Millisecond, "least time for a contender in a round")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, records := range []int{1, 10, 100, 1000} {
		doc := document(records)
		fmt.Fprintf(out, "%.1f KB\tMB/s\tallocations\t/ sonic.Valid\t/ gjson.ValidBytes\t/ encoding/json\t\n", float64(len(doc))/1000)
		contenders := all(doc)
		samples := make([][]float64, len(contenders)) // seconds a document, by contender and round
		allocations := make([]float64, len(contenders))
		for i, c := range contenders {
			c.run() // warm up
			allocations[i] = mallocs(c.run)
		}
		for range *rounds {
			for i, c := range contenders {
				samples[i] = append(samples[i], seconds(c.run, *round))
			}
		}
		for i, c := range contenders {
			fmt.Fprintf(out, "%s\t%.0f\t%.0f\t", c.name, float64(len(doc))/1e6/median(samples[i]), allocations[i])
			for _, peer := range []string{sonicValid, gjsonValid, encodingJSON} {
				j := slices.IndexFunc(contenders, func(c contender) bool { return c.name == peer })
				fmt.Fprintf(out, "%.2f\t", median(ratios(samples[j], samples[i])))
			}
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out)
	}
	few, many := rules(10), rules(10_000)
	var a, b []float64
	for range *rounds {
		a = append(a, seconds(few, *round))
		b = append(b, seconds(many, *round))
	}
	fmt.Fprintf(out, "10,000 field rules cost %.2f of 10\n", median(ratios(b, a)))
	out.Flush()
}

// seconds returns how long one call takes, over at least the time given.
func seconds(run func(), least time.Duration) float64 {
	for n := 1; ; n *= 2 {
		begin := time.Now()
		for range n {
			run()
		}
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

func ratios(a, b []float64) []float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = a[i] / b[i]
	}
	return list
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
