package discover

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// named is what a member's name says that its value is: a type of the catalogue, or one of the
// words below.
type named string

const (
	nothing  named = ""       // the name is not known
	harmless named = "public" // the name is one that services give to what is about nobody
	text     named = "text"   // free text, in which people write anything
	bareName named = "name"   // the name of a person, a company or a thing
	bareID   named = "id"     // an identifier of anything

	// contract is the number of a contract, claim or report: it leads to a person as well as an
	// identifier of the person does, but no type of the catalogue has it.
	contract named = "contract"
)

//go:embed names.txt
var nameTable string

// dictionary maps names, in lower case and without separators, to what they say. inChinese has its
// Chinese names, the longest first: a Chinese name may stand anywhere in a member's name.
var dictionary, inChinese = readNames(nameTable)

func readNames(table string) (map[string]named, []string) {
	all := map[string]named{}
	var chinese []string
	for line := range strings.Lines(table) {
		line, _, _ = strings.Cut(line, "#")
		what, names, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		for name := range strings.FieldsSeq(names) {
			if other, twice := all[name]; twice {
				panic(fmt.Sprintf("names.txt: %s stands under %s and %s", name, other, what))
			}
			all[name] = named(what)
			if !isASCII(name) {
				chinese = append(chinese, name)
			}
		}
	}
	slices.SortFunc(chinese, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return all, chinese
}

// ofName returns what a member's name says that its value is. The end of the name counts: a
// mobileType is a type. If a name can be read in two ways, the longer known name counts.
func ofName(name string) named {
	if !isASCII(name) {
		at, best := -1, nothing
		for _, known := range inChinese { // the longest first
			if i := strings.LastIndex(name, known); i >= 0 && i+len(known) > at {
				at, best = i+len(known), dictionary[known]
			}
		}
		return best
	}
	words := splitName(name)
	for end := len(words); end > 0; end-- {
		for i := range end {
			joined := strings.Join(words[i:end], "")
			if what, ok := dictionary[joined]; ok {
				return what
			}
			if i > 0 || end-i > 1 {
				continue
			}
			// custname, holderidno: written as one word.
			for _, party := range parties {
				if rest, ok := strings.CutPrefix(joined, party); ok {
					if what, ok := dictionary[rest]; ok && len(rest) > 1 {
						return ofParty(party, what)
					}
				}
			}
		}
		if !slices.Contains(generic, words[end-1]) {
			break
		}
	}
	return nothing
}

// parties are words for people. Services write them together with the next word, as in custname.
var parties = []string{
	"customer", "cust", "client", "user", "member", "person", "applicant", "borrower", "insured",
	"holder", "owner", "payee", "payer", "contact", "guarantor", "spouse", "beneficiary", "kh",
	"yh", "tbr", "bbr", "bbxr", "syr", "jkr", "dbr", "lxr", "sqr",
}

// ofParty returns what a name says that stands behind a word for people.
func ofParty(party string, what named) named {
	switch what {
	case bareName:
		return "person_name"
	case bareID:
		if party != "contact" {
			return "customer_number"
		}
	}
	return what
}

// generic are words that say nothing where they end a name.
var generic = []string{
	"no", "num", "number", "code", "value", "val", "str", "txt", "cn", "en", "old", "new", "full",
	"plain", "masked", "enc", "info", "1", "2", "3", "01", "02", "03",
}

// splitName splits a name into words, in lower case: custIDCard2 is cust, id, card, 2.
func splitName(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case i == 0 || len(word) == 0:
		case unicode.IsDigit(r) != unicode.IsDigit(runes[i-1]),
			unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) ||
				i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
