package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/examples/demo"

	_ "embed"
)

// tourFile says what each caller must see of the tour's customer, worked out by hand from the
// rules. A value that ends in … stands for all values with this beginning: pseudonyms differ from
// key to key.
//
//go:embed tour.json
var tourFile []byte

// sight is what one caller saw, or must see.
type sight struct {
	Status int
	Fields map[string]string
	id     string // correlation identifier
	body   string
}

// visit is one access of the tour, which must be on record.
type visit struct {
	id, caller string
	decision   audit.Decision
}

// tour shows the demo's customer as each caller sees it and the access records it left, and checks
// all of it.
func (d *demonstration) tour() error {
	var want map[string]sight
	if err := json.Unmarshal(tourFile, &want); err != nil {
		return err
	}
	if err := d.checkLogAtRest(); err != nil {
		return command.No(fmt.Errorf("the access log of earlier runs: %w", err))
	}
	for _, port := range []*string{&d.port, &d.servicePort, &d.metricsPort} {
		var err error
		if *port, err = freePort(); err != nil {
			return err
		}
	}
	if err := d.start(); err != nil {
		return err
	}
	visits, faults := d.walk(want)
	faults = append(faults, d.stop(), d.reviewLog(visits))
	if err := errors.Join(faults...); err != nil {
		return command.No(fmt.Errorf("not all is as it should be:\n%w", err))
	}
	fmt.Fprintln(d.out, "\nall is as it should be")
	return nil
}

// checkLogAtRest verifies the log that an earlier run left. No gateway is running, so it must end
// in a checkpoint.
func (d *demonstration) checkLogAtRest() error {
	if _, err := os.Stat(filepath.Join(d.data, "audit")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	log, err := command.OpenAccessLog(d.data)
	if err != nil {
		return err
	}
	summary, err := log.Verify()
	if err == nil && summary.TailFile != "" {
		err = fmt.Errorf("%d bytes at the end of %s are not committed: "+
			"an earlier run was cut short there, or they were altered",
			summary.Tail, summary.TailFile)
	}
	return err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// walk asks as each caller would and compares what they see with what they must see.
func (d *demonstration) walk(want map[string]sight) (visits []visit, faults []error) {
	path := "/v1/customers/" + demo.TourCustomerID
	upstream, err := d.get(d.servicePort, path, nil)
	if err != nil {
		return nil, []error{err}
	}
	var seen []sight
	for _, p := range demo.People {
		s, err := d.get(d.port, path, &p)
		if err != nil {
			return visits, append(faults, err)
		}
		faults = append(faults, differences(p.Short, s, want[p.Short])...)
		decision := audit.Released
		if s.Status != http.StatusOK {
			decision = audit.Refused
		}
		visits = append(visits, visit{s.id, p.ID, decision})
		seen = append(seen, s)
	}
	d.show(upstream, seen)
	officer, _ := demo.Find("credit-officer")
	s, err := d.get(d.port, path+"/risk-score", &officer)
	if err != nil {
		return visits, append(faults, err)
	}
	visits = append(visits, visit{s.id, officer.ID, audit.Refused})
	return visits, append(faults, d.checkLeak(upstream, s)...)
}

// get asks the service as nobody, or the gateway as somebody.
func (d *demonstration) get(port, path string, as *demo.Person) (sight, error) {
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		return sight{}, err
	}
	if as != nil {
		token, err := d.issuer.Token(*as, time.Minute, time.Now())
		if err != nil {
			return sight{}, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Maskgate-Purpose", as.Purposes[0])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sight{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return sight{}, err
	}
	fields, err := flatten(body)
	return sight{resp.StatusCode, fields, resp.Header.Get("X-Correlation-Id"), string(body)}, err
}

// differences compares what a caller saw with what they must see.
func differences(who string, have, want sight) (faults []error) {
	if have.Status != want.Status {
		faults = append(faults, fmt.Errorf("%s: status %d, want %d", who, have.Status, want.Status))
	}
	for _, path := range slices.Sorted(maps.Keys(have.Fields)) {
		w, listed := want.Fields[path]
		prefix, open := strings.CutSuffix(w, "…")
		switch {
		case !listed && have.Status == http.StatusOK:
			faults = append(faults, fmt.Errorf("%s: sees %s, which they must not", who, path))
		case listed &&
			!(have.Fields[path] == w || open && strings.HasPrefix(have.Fields[path], prefix)):
			faults = append(faults,
				fmt.Errorf("%s: %s is shown otherwise than as %s", who, path, w))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(want.Fields)) {
		if _, ok := have.Fields[path]; !ok {
			faults = append(faults, fmt.Errorf("%s: does not see %s", who, path))
		}
	}
	return faults
}

// checkLeak looks at the answer of the endpoint that fails with personal data in its error body.
func (d *demonstration) checkLeak(upstream, s sight) (faults []error) {
	fmt.Fprintf(d.out,
		"\nThe risk score fails upstream with a name and an ID number in its error text. "+
			"What leaves is\n  %s\n", s.body)
	if s.Status != http.StatusBadGateway {
		faults = append(faults, fmt.Errorf("risk score: status %d, want 502", s.Status))
	}
	for _, path := range []string{"name", "idCard", "mobile"} {
		if strings.Contains(s.body, upstream.Fields[path]) {
			faults = append(faults, fmt.Errorf("risk score: the error shows %s", path))
		}
	}
	return faults
}

// reviewLog shows the records that the tour left, and checks that there is one for each access and
// that the log verifies.
func (d *demonstration) reviewLog(visits []visit) error {
	log, err := command.OpenAccessLog(d.data)
	if err != nil {
		return err
	}
	summary, err := log.Verify()
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, "\nWhat the access log has of it:")
	var faults []error
	for _, v := range visits {
		found := 0
		for e, err := range log.Search(audit.Query{ID: v.id}, "") {
			if err != nil {
				return err
			}
			found++
			if e.Record.Access == nil || e.Record.Caller == nil {
				return fmt.Errorf("record %d is not one of an access", e.Seq)
			}
			if e.Record.Decision != v.decision || e.Record.Caller.ID != v.caller {
				faults = append(faults, fmt.Errorf("record %d: %s by %s, want %s by %s", e.Seq,
					e.Record.Decision, e.Record.Caller.ID, v.decision, v.caller))
			}
			if err := command.PrintEntry(d.out, e, nil); err != nil {
				return err
			}
		}
		if found != 1 {
			faults = append(faults,
				fmt.Errorf("the access of %s has %d records, want 1", v.caller, found))
		}
	}
	fmt.Fprintln(d.out)
	if err := command.PrintSummary(d.out, summary); err != nil {
		return err
	}
	if summary.TailFile != "" {
		faults = append(faults, errors.New("the log ends in bytes that are not committed"))
	}
	return errors.Join(faults...)
}
