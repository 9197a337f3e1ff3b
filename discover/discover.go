// Package discover proposes service files from the answers of services: what each field seems to be, by its name and by the values that
// were seen, with the evidence for each proposal.
//
// # Terms
//
// A [Recording] is what is kept of answers: for each route a [Shape], the tree of its members, with counts of what detectors said of the
// values. A value is judged when it is seen and never kept; nor is the name of a member that looks like data (a map whose keys are phone
// numbers). So a gateway may record in production: its file says that 98 of 100 values of $.idCard have a right check digit, and
// not one of them.
//
// A detector judges a value: an identity number with its region, date and check digit (GB 11643-1999), a card by length and Luhn
// (ISO/IEC 7812-1), a unified social credit code (GB 32100-2015), mobile and landline numbers, e-mail, addresses, surnames, and others. A
// dictionary judges names: English, pinyin, its initials and Chinese (idCard, cert_no, sfzh, 身份证号). [Propose] combines both:
//
//   - Name and values agree: that type. They disagree: the stricter of the two.
//   - The name says so and the values do not tell: the name's type. The values say so and the name does not: the values' type.
//   - Neither: left out, and so dropped, with the reason. Free text is left out always.
//   - public is proposed only where a name that is known to be harmless has values that are numbers, or few and of a list.
//
// A record is where an identifier of a person lies that each has, once: its subject. The elements of a list within a record are records of
// their own if their identifiers are not the one of the record around (a customer's guarantors).
//
//	r := discover.New()
//	err := r.AddSamples(samples)
//	text := discover.Propose("customer", "crm-team", r.Routes()).YAML()
package discover
