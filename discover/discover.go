// Package discover proposes service files from the answers of services: what each field seems to
// be, by its name and by the values that were seen, with the evidence for each proposal.
//
// # Terms
//
// A [Recording] is what is kept of answers: for each route a [Shape], the tree of its members, with
// counts of what detectors said of the values. A value is judged when it is seen, and never kept.
// Nor is the name of a member that looks like data (a map whose keys are phone numbers). So a
// gateway may record in production: the file says that 98 of 100 values of $.idCard have a right
// check digit, and holds no such value.
//
// A detector judges a value: an identity number with its region, date and check digit (GB
// 11643-1999), a card by length and Luhn (ISO/IEC 7812-1), a unified social credit code (GB
// 32100-2015), mobile and landline numbers, e-mail, addresses, surnames, and others. A dictionary
// judges names: English, pinyin, its initials and Chinese (idCard, cert_no, sfzh, 身份证号).
// [Propose] combines both:
//
//   - If name and values say the same type, that type. If they say two, the stricter type.
//   - If only the name says a type, or only the values do, that type.
//   - If neither does, the field is left out, and so dropped, with the reason. Free text is always
//     left out.
//   - public is proposed only for a name that is known to be harmless, and only if the values are
//     numbers, or few different words.
//
// A record is an object with an identifier of a person, its subject, that each such object has
// once. The elements of a list within a record are records of their own if their subjects are other
// people than the subject of the record around them (a customer's guarantors).
//
//	r := discover.New()
//	err := r.AddSamples(samples)
//	text := discover.Propose("customer", "crm-team", r.Routes()).YAML()
package discover
