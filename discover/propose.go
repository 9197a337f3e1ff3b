package discover

import (
	"fmt"
	"slices"
)

// proposal is what a field seems to be, and why.
type proposal struct {
	typ  string // of the catalogue; "" leaves the field out, so that it is dropped
	why  string // the evidence
	weak bool   // see judgement
}

// subjects are the types by which a record can say whom it is about, the best first.
var subjects = []named{"customer_number", "cn_id_card", "passport", "hkmo_permit", "tw_permit"}

// strictness has the types of values and names, the strictest first. If a name and its values
// disagree, the stricter type is proposed.
var strictness = []string{
	"password", "pin", "cvv", "card_track", "otp", "card_expiry", "biometric", "secret", "medical",
	"religion", "minor", "cn_id_card", "passport", "hkmo_permit", "tw_permit", "officer_card",
	"bank_card", "credit_report", "credit_score", "loan", "income", "balance", "amount",
	"transaction", "geo_point", "cn_mobile", "landline", "email", "address", "person_name",
	"ethnicity", "birth_date", "marital_status", "occupation", "gender", "cookie", "device_id",
	"ip_address", "licence_plate", "customer_number", "user_agent", "opening_date", "branch",
	"uscc", "public",
}

func stricter(a, b string) string {
	if slices.Index(strictness, b) < slices.Index(strictness, a) {
		return b
	}
	return a
}

// judgement proposes a type if so many percent of the values look like it. The percentage is low
// for types like which hardly any other value looks, and high where one other value in ten does.
type judgement struct {
	verdicts []verdict
	typ      string
	percent  int
	what     string // what the values are, for the evidence
	// weak reports whether other codes are often written like the type. A type that the name says
	// goes before a weak judgement.
	weak bool
}

var judgements = []judgement{
	{[]verdict{secret}, "secret", 10, "are tokens, keys or hashes of passwords", false},
	{[]verdict{idCard, idCard15}, "cn_id_card", 30, "are identity numbers with a right check digit",
		false},
	{[]verdict{bankCard}, "bank_card", 60, "are card numbers with a right check digit (Luhn)",
		false},
	{[]verdict{passport}, "passport", 60, "are written as passport numbers", true},
	{[]verdict{hkmo}, "hkmo_permit", 60, "are written as permits for Hong Kong and Macao", true},
	{[]verdict{officer}, "officer_card", 30, "are written as officers' cards", false},
	{[]verdict{mobile}, "cn_mobile", 30, "are mobile numbers", false},
	{[]verdict{landline}, "landline", 30, "are landline numbers", false},
	{[]verdict{email}, "email", 30, "are e-mail addresses", false},
	{[]verdict{geo}, "geo_point", 60, "are coordinates", false},
	{[]verdict{address}, "address", 30, "are addresses", false},
	{[]verdict{nation}, "ethnicity", 60, "are ethnic groups", false},
	{[]verdict{marriage}, "marital_status", 60, "are marital statuses", false},
	{[]verdict{sex}, "gender", 80, "are genders", false},
	{[]verdict{ip}, "ip_address", 60, "are IP addresses", false},
	{[]verdict{plate}, "licence_plate", 60, "are number plates", false},
	{[]verdict{uscc}, "uscc", 60, "have the right check character of a unified social credit code",
		false},
}

// certain are the verdicts that hardly any other value gets.
var certain = []verdict{secret, idCard, bankCard, mobile, email, officer, address}

// total counts the values that have any of the verdicts. Verdicts that are counted together must
// exclude each other.
func (s *Shape) total(verdicts ...verdict) int {
	n := 0
	for _, v := range verdicts {
		n += s.Verdicts[v]
	}
	return n
}

// share reports whether at least so many percent of a leaf's values have any of the verdicts.
func (s *Shape) share(percent int, verdicts ...verdict) bool {
	n := s.total(verdicts...)
	return n > 0 && n*100 >= s.scalars()*percent
}

// ofValues proposes a type for a leaf by its values alone.
func ofValues(s *Shape) proposal {
	for _, j := range judgements {
		if s.share(j.percent, j.verdicts...) {
			why := outOf(s.Verdicts[j.verdicts[0]], s) + " " + j.what
			if old := s.Verdicts[idCard15]; old > 0 && j.typ == "cn_id_card" {
				why += fmt.Sprintf(", %d of the 15 digits of old", old)
			}
			return proposal{j.typ, why, j.weak}
		}
	}
	// Other short words begin with characters that are surnames too, so few values prove nothing.
	if s.share(80, person) && s.Distinct >= 5 && s.Distinct*2 >= min(s.scalars(), maxDistinct) {
		return proposal{typ: "person_name", why: outOf(s.Verdicts[person], s) +
			" begin with a surname and are as short as names"}
	}
	return proposal{}
}

// outOf writes how many of a leaf's values something holds of.
func outOf(n int, s *Shape) string { return fmt.Sprintf("%d of %d values", n, s.scalars()) }

// suits has the verdicts that bear out the type of a name for which there is no judgement.
var suits = map[string][]verdict{
	"person_name":    {person},
	"birth_date":     {date, moment},
	"opening_date":   {date, moment},
	"transaction":    {date, moment},
	"amount":         {integer, decimal},
	"balance":        {integer, decimal},
	"income":         {integer, decimal},
	"loan":           {integer, decimal},
	"credit_score":   {integer, decimal, word},
	"gender":         {sex},
	"ethnicity":      {nation},
	"marital_status": {marriage},
	"device_id":      {hexadecimal},
	"pin":            {integer},
}

// place is what is known of a leaf besides its values.
type place struct {
	name     string
	topic    topic
	siblings []named // what the names of its object's members say
}

// topic is what the route, or an object around a leaf, is about.
type topic uint8

const (
	anything     topic = iota
	credit             // a credit report, of which all its fields are a part
	transactions       // movements of money, of which their times are a part
)

// propose proposes a type for a leaf.
func propose(s *Shape, at place) proposal {
	byName := ofName(at.name)
	byValue := ofValues(s)
	n := s.scalars()
	if n == 0 {
		return withoutValues(s, byName)
	}
	if byName == bareID && len(splitName(at.name)) == 1 && isPersonObject(at.siblings) {
		byName = "customer_number"
	}
	switch byName {
	case nothing, text, contract, bareName, bareID, harmless:
	default:
		return byBoth(s, string(byName), byValue)
	}
	if byValue.typ != "" {
		if byName == bareName && byValue.typ == "person_name" {
			byValue.why += "; the name could be a person's"
		} else {
			byValue.why += "; the name does not say so"
		}
		return byValue
	}
	if found := s.Verdicts[contained]; found > 0 {
		return proposal{why: outOf(found, s) + " hold a number or an e-mail address of somebody " +
			"in their text"}
	}
	if found := s.total(certain...); found > 0 {
		return proposal{why: outOf(found, s) + " are somebody's numbers or addresses, the others " +
			"are not"}
	}
	if at.topic == transactions && s.share(80, moment) {
		return proposal{typ: "transaction", why: "the time of a movement of money"}
	}
	switch {
	case byName == bareName && (s.share(10, person) || isPersonObject(at.siblings)):
		return proposal{typ: "person_name", why: "the name could be a person's, and " +
			outOf(s.Verdicts[person], s) + " begin with a surname and are as short"}
	case at.topic == credit:
		return proposal{typ: "credit_report", why: "part of a credit report"}
	case byName == harmless:
		return public(s)
	}
	return leftOut(s, byName)
}

// byBoth proposes a type for a leaf whose name says a type.
func byBoth(s *Shape, typ string, byValue proposal) proposal {
	n := s.scalars()
	switch {
	case byValue.typ == typ:
		return proposal{typ: typ, why: byValue.why + "; the name says so too"}
	case byValue.typ == "", byValue.weak:
		if fit := s.total(suits[typ]...); fit > 0 {
			return proposal{typ: typ, why: "the name says so; " + outOf(fit, s) + " could be"}
		}
		return proposal{typ: typ, why: fmt.Sprintf("the name says so; what was seen (%s) does "+
			"not tell", many(n, "value"))}
	case typ == "cn_mobile" && byValue.typ == "landline",
		typ == "landline" && byValue.typ == "cn_mobile":
		return byValue
	}
	if typ2 := stricter(typ, byValue.typ); typ2 != typ {
		return proposal{typ: typ2, why: byValue.why + "; the name says " + typ +
			", which is less strict"}
	}
	return proposal{typ: typ, why: "the name says so; but " + byValue.why +
		", which is less strict"}
}

// withoutValues proposes a type for a leaf that never was a string or number.
func withoutValues(s *Shape, byName named) proposal {
	switch {
	case s.Bools > 0 && byName == "minor":
		return proposal{typ: "minor", why: "the name says so"}
	case s.Bools > 0 && byName == harmless:
		return proposal{typ: "public", why: many(s.Bools, "value") +
			", all true or false, and the name is one of paging and status"}
	case s.Bools > 0:
		return proposal{why: "true or false; only its team knows of what"}
	}
	switch byName {
	case nothing, text, contract, bareName, bareID, harmless:
		return proposal{why: "no value in the samples"}
	}
	return proposal{typ: string(byName), why: "the name says so; no value in the samples"}
}

// isPersonObject reports whether an object's members say that it is a person: by an identity
// number, or by two other things that only persons have.
func isPersonObject(siblings []named) bool {
	n := 0
	for _, s := range siblings {
		switch s {
		case "cn_id_card":
			return true
		case "cn_mobile", "birth_date", "gender", "person_name", "email", "marital_status":
			n++
		}
	}
	return n >= 2
}

// public proposes public for a leaf with a harmless name, if its values are numbers or few
// different words.
func public(s *Shape) proposal {
	n := s.scalars()
	switch {
	case n < 3:
		return proposal{why: fmt.Sprintf("public by its name, but %s is too little to tell",
			many(n, "value"))}
	case s.Verdicts[integer] == n && s.Numbers == n:
		return proposal{typ: "public", why: fmt.Sprintf("%d values, all whole numbers, and the "+
			"name is one of paging and status", n)}
	case s.Distinct < maxDistinct/2 && (s.Distinct <= 3 || s.Distinct*2 <= n) &&
		s.total(word, integer, company) >= n && s.Verdicts[person] == 0:
		return proposal{typ: "public",
			why: fmt.Sprintf("%s among %d, all of a list, and the name says nothing of a person",
				many(s.Distinct, "different value"), n)}
	}
	return proposal{why: fmt.Sprintf("public by its name, but %d different values among %d are "+
		"more than a list has", s.Distinct, n)}
}

// leftOut says why no type is proposed for a leaf.
func leftOut(s *Shape, byName named) proposal {
	switch {
	case s.share(50, document):
		return proposal{why: outOf(s.Verdicts[document], s) + " hold a document of their own"}
	case byName == text:
		return proposal{why: "free text by its name: people write anything in it"}
	case byName == contract:
		return proposal{why: "the number of a contract or case, as good as its holder's"}
	case byName == bareName && s.share(50, company):
		return proposal{why: outOf(s.Verdicts[company], s) +
			" are names of organisations; public if all are"}
	case byName == bareID:
		return proposal{why: "an identifier; only its team knows of what"}
	case s.share(50, person) && s.Distinct < 5:
		return proposal{why: fmt.Sprintf("%s; short words that could be names",
			many(s.Distinct, "different value"))}
	}
	return proposal{why: "neither name nor values tell"}
}
