// Command rules times rules: loading a large set, deciding a request, and deciding one of its
// records.
//
//	go run -C bench ./rules [-rounds 9] [-round 50ms]
//
// The large set has 1,000 routes with 10 fields each; the small set has 10 routes. Both have the
// same policies, with and without a condition (CEL) over the record and the time. A decision finds
// the route, admits the request and makes the profile. Figures are medians over the rounds, on one
// core.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/maskgate/maskgate/masking"
	"github.com/maskgate/maskgate/rules"
)

func main() {
	rounds := flag.Int("rounds", 9, "rounds to take the median of")
	round := flag.Duration("round", 50*time.Millisecond, "least time in a round")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*rounds, *round); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const large, small, fieldsEach = 1000, 10, 10

func run(rounds int, round time.Duration) error {
	var loads []float64
	for range rounds {
		begin := time.Now()
		if _, err := load(large, true); err != nil {
			return err
		}
		loads = append(loads, time.Since(begin).Seconds())
	}
	fmt.Printf("loading %d routes with %d fields: %.0f ms\n",
		large, large*fieldsEach, median(loads)*1e3)
	for _, conditions := range []bool{false, true} {
		what := "without CEL"
		if conditions {
			what = "with CEL"
		}
		for _, routes := range []int{small, large} {
			set, err := load(routes, conditions)
			if err != nil {
				return err
			}
			var all, one []float64
			for range rounds {
				whole, record, err := decisions(set, routes, round)
				if err != nil {
					return err
				}
				all, one = append(all, whole), append(one, record)
			}
			fmt.Printf("a decision %s, of %d routes: %.2f µs; each further record: %.2f µs\n",
				what, routes, median(all)*1e6, median(one)*1e6)
		}
	}
	return nil
}

// decisions returns the seconds of a whole decision, and of one about a further record.
func decisions(set *rules.Set, routes int, least time.Duration) (whole, record float64, err error) {
	caller := rules.Caller{
		ID: "agent-07", Organisation: "hz-branch", Region: "CN",
		Roles: []string{"customer-service", "credit-officer"},
		AMR:   []string{"pwd", "mfa"}, ACR: "loa2",
		Purposes: []string{"customer-service", "loan-review"},
	}
	inputs := []masking.Value{{Kind: masking.String, Text: []byte("agent-07")}}
	paths := make([]string, routes)
	for i := range paths {
		paths[i] = fmt.Sprintf("/v1/resource-%d/C00000052/items", i)
	}
	var access *rules.Access
	decide := func(i int) error {
		route := set.Route("GET", "crm.bank.example", paths[i%routes])
		if route == nil {
			return errors.New("no route")
		}
		var err error
		request := rules.Request{Caller: caller, Purpose: "customer-service", Time: time.Now()}
		access, err = set.Admit(route, request)
		if err != nil {
			return err
		}
		if access.Profile(0, inputs).Denied {
			return errors.New("the record is denied")
		}
		return nil
	}
	for i := range paths { // a route's first decision works out what its later ones use
		if err := decide(i); err != nil {
			return 0, 0, err
		}
	}
	i := 0
	whole = seconds(least, func() { err = errors.Join(err, decide(i)); i++ })
	record = seconds(least, func() { access.Profile(0, inputs) })
	return whole, record, err
}

// load makes a set of that many routes, and loads it.
func load(routes int, conditions bool) (*rules.Set, error) {
	types := [fieldsEach]string{
		"person_name", "cn_id_card", "cn_mobile", "email", "address", "bank_card", "balance",
		"birth_date", "occupation", "public",
	}
	var b strings.Builder
	b.WriteString("kind: service\nname: bench\nowner: bench\nroutes:\n")
	for i := range routes {
		fmt.Fprintf(&b, "  - match: GET /v1/resource-%d/{id}/items\n", i)
		b.WriteString("    query: [page, size]\n    subject: $.customerId\n    fields:\n")
		for j, name := range types {
			fmt.Fprintf(&b, "      $.data.field%d_%d: %s\n", i, j, name)
		}
	}
	when, capped := "", ""
	if conditions {
		when = "    when: record.agentId == caller.id && time.hour >= 0\n"
		capped = "  - {when: \"caller.region != 'CN'\", sensitive: true, at_most: drop}\n"
	}
	policy := `kind: policy
name: bench
owner: security
reviewer: wang.fang
justification: bench
purposes:
  customer-service: {basis: contract}
  loan-review: {basis: contract}
roles:
  customer-service:
    purposes: [customer-service]
` + when + `    treat: {C1: clear, C2: mask, bank_card: mask(keep_last=4)}
    limit: {records: 100/response}
  credit-officer:
    purposes: [loan-review]
    require: {amr: [mfa]}
    treat: {C1: clear, C2: clear}
caps:
  - {class: C3, at_most: drop}
` + capped
	return rules.Load([]rules.File{
		{Name: "service.yaml", Data: []byte(b.String())},
		{Name: "policy.yaml", Data: []byte(policy)},
	}, nil)
}

// seconds is the mean time of one call of f, over calls that take at least that long together.
func seconds(least time.Duration, f func()) float64 {
	const batch = 256
	begin, n := time.Now(), 0
	for time.Since(begin) < least {
		for range batch {
			f()
		}
		n += batch
	}
	return time.Since(begin).Seconds() / float64(n)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
