package demo

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\ngot  %s\nwant %s", path, got, want)
	}
}

// TestGolden fails if the data of the default seed change, on any platform or Go version.
func TestGolden(t *testing.T) {
	d := New(DefaultSeed, DefaultCustomers)
	var customers, rest bytes.Buffer
	for c := range d.Customers() {
		if err := newEncoder(&customers).Encode(c); err != nil {
			t.Fatal(err)
		}
		transactions, _ := d.Transactions(c.CustomerID)
		report, _ := d.CreditReport(c.CustomerID)
		if err := newEncoder(&rest).Encode([]any{transactions, report}); err != nil {
			t.Fatal(err)
		}
		if c.CustomerID == customerID(99) {
			break
		}
	}
	if err := newEncoder(&rest).Encode(d.Companies()); err != nil {
		t.Fatal(err)
	}
	golden(t, "first100.sha256", fmt.Appendf(nil, "%x  customers\n%x  rest\n",
		sha256.Sum256(customers.Bytes()), sha256.Sum256(rest.Bytes())))
	var tour bytes.Buffer
	enc := newEncoder(&tour)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d.TourCustomer()); err != nil {
		t.Fatal(err)
	}
	golden(t, "tour.json", tour.Bytes())
}

func TestCustomerIDs(t *testing.T) {
	d := New(DefaultSeed, 0)
	if d.Len() != DefaultCustomers {
		t.Fatalf("New(seed, 0).Len() = %d, want %d", d.Len(), DefaultCustomers)
	}
	for _, tt := range []struct {
		id   string
		want bool
	}{
		{"C00000001", true},
		{"C00010000", true},
		{"C00010001", false},
		{"C00000000", false},
		{"C0000001", false},
		{"C000000001", false},
		{"c00000001", false},
		{"C+0000001", false},
		{"C-0000001", false},
		{"C0000001 ", false},
		{"C", false},
		{"", false},
		{"D00000001", false},
	} {
		c, ok := d.Customer(tt.id)
		if ok != tt.want {
			t.Errorf("Customer(%q) found = %v, want %v", tt.id, ok, tt.want)
		}
		if ok && c.CustomerID != tt.id {
			t.Errorf("Customer(%q).CustomerID = %q", tt.id, c.CustomerID)
		}
		if _, ok := d.Transactions(tt.id); ok != tt.want {
			t.Errorf("Transactions(%q) found = %v, want %v", tt.id, ok, tt.want)
		}
		if _, ok := d.CreditReport(tt.id); ok != tt.want {
			t.Errorf("CreditReport(%q) found = %v, want %v", tt.id, ok, tt.want)
		}
	}
}

func TestTooManyCustomers(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Errorf("New(seed, %d) did not panic", MaxCustomers+1)
		}
	}()
	New(DefaultSeed, MaxCustomers+1)
}

// TestSeeds checks what every seed promises about the tour's customer, and that seeds differ.
func TestSeeds(t *testing.T) {
	names := map[string]bool{}
	for seed := range uint64(300) {
		d := New(seed, 100)
		c := d.TourCustomer()
		names[c.IDCard] = true
		glyphs := len([]rune(c.Name))
		if c.AgentID != "agent-07" || c.Email == nil ||
			len(c.IDCard) != 18 || len(c.Mobile) != 11 || len(c.Accounts) != 2 ||
			glyphs > 4 || len(c.Name) != 3*glyphs {
			t.Errorf("seed %d: TourCustomer() = %+v, which is not ordinary", seed, c)
		}
		if r, _ := d.CreditReport(TourCustomerID); len(r.Guarantors) == 0 {
			t.Errorf("seed %d: the tour's customer has no guarantor", seed)
		}
	}
	if len(names) < 290 {
		t.Errorf("300 seeds made %d different customers", len(names))
	}
	for i := range tourIndex {
		if postOf(i).agent == "agent-07" {
			t.Errorf("postOf(%d) is agent-07, before the tour's customer", i)
		}
	}
}

func TestFewCustomers(t *testing.T) {
	for n := 1; n <= 5; n++ {
		d := New(DefaultSeed, n)
		for c := range d.Customers() {
			r, _ := d.CreditReport(c.CustomerID)
			seen := map[string]bool{c.CustomerID: true}
			for _, g := range r.Guarantors {
				if seen[g.CustomerID] {
					t.Errorf("n = %d: %s has guarantor %s twice, or itself",
						n, c.CustomerID, g.CustomerID)
				}
				seen[g.CustomerID] = true
			}
		}
	}
}

func TestPermute(t *testing.T) {
	for _, n := range []int{1, 2, 1000, 70_000} {
		seen := make([]bool, n)
		for i := range min(n, 2000) {
			v := permute(DefaultSeed, kindIdentity, i, n)
			if v < 0 || v >= n || seen[v] {
				t.Fatalf("permute(%d, %d) = %d, out of range or seen before", i, n, v)
			}
			seen[v] = true
		}
	}
	if slots := birthDays * ordersPerDay; slots < MaxCustomers || slots > 1<<24 {
		t.Errorf("%d identities, want from %d to 1<<24", slots, MaxCustomers)
	}
	if last := firstBirth.AddDate(0, 0, birthDays-1); !last.Equal(day(2005, 12, 31)) {
		t.Errorf("the last birth date is %v", last)
	}
}
