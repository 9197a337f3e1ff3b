package treatment

// Form says how far a text is what values of a type look like.
type Form uint8

const (
	NoForm      Form = iota // the text is not written as values of the type are
	Formed                  // it is; but the type has no check digit, or the digit is wrong
	FormChecked             // it is, and its check digit is right
)

// FormOf reads text as the masks of types do, and says whether it has the form of a type. It serves
// to find personal data where no rule speaks of it: a declared field is masked whatever its form.
//
// The types are cn_id_card (GB 11643-1999, with a birth date that there is), cn_mobile, bank_card
// (ISO/IEC 7812-1), licence_plate, passport, hkmo_permit, tw_permit, uscc (GB 32100-2015),
// landline, address (one of which a mask would show some parts), ip_address and birth_date (any
// date, with a time or not). No text has the form of any other type.
func FormOf(typ string, text []byte) Form {
	switch typ {
	case "landline":
		_, _, ok := parseLandline(text)
		return formed(ok)
	case "address":
		_, n := parseAddress(text)
		return formed(n > 0)
	case "ip_address":
		_, v4 := parseIPv4(text)
		_, v6 := parseIPv6(text)
		return formed(len(text) > 0 && (v4 || v6))
	case "birth_date":
		_, ok := parseDate(text)
		return formed(ok)
	}
	shape, known := idForms[typ]
	if !known {
		return NoForm
	}
	plain, ok := shape.scan(nil, text)
	ok = ok && shape.is(plain)
	checked := false
	if ok {
		switch typ {
		case "cn_id_card":
			date := append([]byte("19"), plain[6:12]...)
			if len(plain) == 18 {
				date = plain[6:14]
				checked = checkOffset("cn_id_card", plain) == 0
			}
			_, ok = parseDate(date)
		case "bank_card":
			checked = checkOffset("luhn", plain) == 0
		case "uscc":
			checked = usccChecks(plain)
		}
	}
	if ok && checked {
		return FormChecked
	}
	return formed(ok)
}

func formed(ok bool) Form {
	if ok {
		return Formed
	}
	return NoForm
}
