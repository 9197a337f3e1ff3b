package rules

// The keys of the language, each declared once. docs/rules.md explains them at length.

// signed are the keys by which every file says who answers for it.
var signed = []key{
	{
		name: "owner", like: "crm-team", form: anyText,
		doc: "The team that answers for this file.",
	},
	{
		name: "reviewer", like: "wang.fang", form: anyText,
		doc: "Who reviewed this file as it stands. Goes into every access record that it decides.",
	},
	{
		name: "justification", like: "PIA-2025-014", form: anyText,
		doc: "Why the rules are as they are: a ticket, an impact assessment, a decision. Goes " +
			"into the record of the rules in force.",
	},
	{
		name: "accept",
		like: "[{finding: purpose_unserved, about: purpose audit, reason: auditors start in " +
			"March}]",
		form: listOf(objectOf(acceptShape)),
		doc:  "Warnings of rules check about this file that are accepted, each with the reason.",
	},
}

var acceptShape = &shape{"accept", []key{
	{
		name: "finding", required: true, like: "purpose_unserved", form: oneOf(acceptable()...),
		doc: "Code of the warning, as rules check prints it in brackets.",
	},
	{
		name: "about", required: true, like: "purpose audit", form: anyText,
		doc: "What the warning is about, as rules check prints it in front of the message.",
	},
	{
		name: "reason", required: true, like: "the auditors start in March", form: reasonText,
		doc: "Why it may stay as it is.",
	},
}}

var serviceShape = &shape{"service", append([]key{
	{
		name: "kind", required: true, like: "service", form: oneOf("service"),
		doc: "service: says what the fields of a data service are. The team of the service owns " +
			"the file.",
	},
	{
		name: "name", required: true, like: "customer", form: patterned(`^[^\s$]+$`),
		doc: "Name of the service. No other service file has it.",
	},
	{
		name: "hosts", like: "[crm.bank.example]",
		form: listOf(
			patterned(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|` +
				`[0-9a-f:]*:[0-9a-f:.]*)$`)),
		doc: "Host names by which the service is asked, in lower case, without port. Default: " +
			"any. A service that lists the host of a request goes before one that lists none.",
	},
	{
		name: "prefix", like: "/crm", form: patterned(`^/[^{}]*[^/{}]$`),
		doc: "What the path of every route begins with, as the data service receives it. " +
			"Default: nothing.",
	},
	{
		name: "routes", required: true, like: "[{match: GET /v1/customers/{id}, fields: {…}}]",
		form: listOf(objectOf(routeShape)),
		doc:  "The routes of the service. A request that none matches is refused.",
	},
}, requiring(signed, "owner")...)}

var routeShape = &shape{"route", append(append([]key{
	{
		name: "match", required: true, like: "GET /v1/customers/{id}", form: matchText,
		doc: "Method and path, as in GET /v1/customers/{id}. A parameter in braces fills a " +
			"segment. A literal segment goes before a parameter.",
	},
	{
		name: "public", like: "business registration is published by law", form: reasonText,
		doc: "Why responses pass unread, to any caller with a valid token: they are free of " +
			"personal data. Excludes the keys about records and fields.",
	},
	{
		name: "purpose", like: "loan-review", form: anyText,
		doc: "The purpose of every access by this route. Default: the caller names one.",
	},
	{
		name: "media_types", like: "[application/json]", form: someTexts,
		doc: "Media types that a response may have. Default: application/json. A public route " +
			"may have others.",
	},
	{
		name: "headers", like: "[X-Total-Count]", form: someTexts,
		doc: "Response headers that may pass, unread: list only those free of personal data. " +
			"Default: none.",
	},
	{
		name: "query", like: "[page, size]", form: someTexts,
		doc: "Query parameters that may be sent; a request with any other is refused. Default: " +
			"none.",
	},
	{
		name: "envelope", like: "{$.code: public}", form: fieldsForm,
		doc: "What the fields outside any record are: selector to type.",
	},
}, recordKeys...), []key{
	{
		name: "records", like: "[{record: $.guarantors[*], fields: {…}}]",
		form: listOf(objectOf(recordShape)),
		doc:  "Several kinds of record, inner ones too, instead of record, subject and fields.",
	},
	{
		name: "unlisted", like: "drop, mask or {pass: why}",
		form: form{text: &text{words: []string{"drop", "mask"}}, object: unlistedShape},
		doc: "What becomes of a value that no selector names: drop (the default), mask (the text " +
			"****), or pass, which wants a reason.",
	},
	{
		name: "keep_positions", like: "true", form: trueFalse,
		doc: "Whether null takes the place of an array element that is dropped, so that those " +
			"behind it keep their index. Default: false.",
	},
}...)}

var recordShape = &shape{"record", recordKeys}

var recordKeys = []key{
	{
		name: "record", like: "$.data.items[*]", form: selectorText,
		doc: "Where records are, as a JSONPath (RFC 9535) from the root. Default: $, the whole " +
			"document.",
	},
	{
		name: "subject", like: "$.customerId", form: selectorText,
		doc: "Whom a record is about, as a JSONPath from the record. A record that has not " +
			"exactly one refuses the response.",
	},
	{
		name: "fields", like: "{$.name: person_name}", form: fieldsForm,
		doc: "What the fields of the record are: selector to type.",
	},
}

var fieldsForm = form{mapping: &form{text: &text{known: typeWords}, object: fieldShape},
	keys: selectorTexts}

var fieldShape = &shape{"field", []key{
	{
		name: "type", like: "cn_id_card", form: form{text: &text{known: typeWords}},
		doc: "What the field is.",
	},
	{
		name: "class", like: "C3", form: oneOf(classes...),
		doc: "Class here, instead of the type's (JR/T 0171-2020). A lower one wants a reason.",
	},
	{
		name: "level", like: "L4", form: oneOf(levels...),
		doc: "Level here, instead of the type's (JR/T 0197-2020). A lower one wants a reason.",
	},
	{
		name: "sensitive", like: "true", form: trueFalse,
		doc: "Whether it is sensitive personal information here (PIPL Art. 28). false instead of " +
			"true wants a reason.",
	},
	{
		name: "mask", like: "mask(keep_last=4)", form: form{text: &text{known: treatmentWords}},
		doc: "What mask does to the field, instead of the type's default. A more open one wants " +
			"a reason.",
	},
	{
		name: "reason", like: "the branch's own address, not a customer's", form: reasonText,
		doc: "Why the field is less protected here than its type.",
	},
}}

func init() { // a field may hold fields, which a declaration of a variable cannot say
	fieldShape.keys = append(fieldShape.keys, key{
		name: embeddedJSON, like: "{$.name: person_name}", form: fieldsForm,
		doc: "Instead of a type, of a string that holds JSON: what the fields within are, " +
			"selector to type.",
	})
}

var unlistedShape = &shape{"unlisted", []key{
	{
		name: "pass", required: true, like: "the service returns codes of products only",
		form: reasonText,
		doc:  "Why values that nobody classified may leave as they are.",
	},
}}

var policyShape = &shape{"policy", append([]key{
	{
		name: "kind", required: true, like: "policy", form: oneOf("policy"),
		doc: "policy: says who may see what, and why. Security owns the file.",
	},
	{
		name: "name", required: true, like: "customer-data", form: anyText,
		doc: "Name of the policy.",
	},
	{
		name: "time_zone", like: "Asia/Shanghai", form: anyText,
		doc: "Zone (IANA) of time in the conditions and requirements of this file. Default: " +
			"Asia/Shanghai.",
	},
	{
		name: "types", like: "{employee_number: {class: C1, level: L2}}",
		form: mappingOf(objectOf(typeShape)),
		doc: "Types of the company's own, and what is other than the catalogue says about its " +
			"types.",
	},
	{
		name: "purposes", like: "{loan-review: {basis: consent}}",
		form: mappingOf(objectOf(purposeShape)),
		doc:  "Business reasons for access.",
	},
	{
		name: "roles", like: "{agent: {purposes: [customer-service], treat: {C2: mask}}}",
		form: mappingOf(objectOf(roleShape)),
		doc:  "What each role permits. The most open permit wins.",
	},
	{
		name: "caps", like: "[{class: C3, at_most: drop}]", form: listOf(objectOf(capShape)),
		doc: "The most that is left of what roles permit. The strictest cap wins.",
	},
}, signed...)}

var typeShape = &shape{"type", []key{
	{
		name: "description", like: "工号", form: anyText,
		doc: "What a value of this type is.",
	},
	{
		name: "class", like: "C2", form: oneOf(classes...),
		doc: "Class (JR/T 0171-2020): C3 are credentials, C2 identifies a person or their " +
			"finances, C1 is internal.",
	},
	{
		name: "level", like: "L3", form: oneOf(levels...),
		doc: "Level (JR/T 0197-2020), from L1 to L5. Required for a type of the company's own.",
	},
	{
		name: "sensitive", like: "true", form: trueFalse,
		doc: "Whether it is sensitive personal information (PIPL Art. 28). Default: false.",
	},
	{
		name: "mask", like: "mask(keep_last=3)", form: form{text: &text{known: treatmentWords}},
		doc: "What mask does to it. Default: the text ****.",
	},
	{
		name: "always", like: "drop", form: form{text: &text{known: treatmentWords}},
		doc: "The most that is ever left of it, whatever roles permit.",
	},
}}

var purposeShape = &shape{"purpose", []key{
	{
		name: "basis", required: true, like: "contract", form: oneOf(bases...),
		doc: "Legal basis (PIPL Art. 13(1)): consent (1), contract (2), legal_duty (3), " +
			"emergency (4), public_interest (5), disclosed (6), law (7). Under consent, a record " +
			"shows what its subject's consent covers.",
	},
	{
		name: "document", like: "PIA-2025-014", form: anyText,
		doc: "Where the basis is documented: the contract's clause, the impact assessment, the " +
			"notice.",
	},
}}

var roleShape = &shape{"role", []key{
	{
		name: "purposes", required: true, like: "[customer-service]", form: someTexts,
		doc: "The purposes that the role serves.",
	},
	{
		name: "when", like: "record.agentId == caller.id", form: anyText,
		doc: "A CEL condition over caller, request, record, consent, grant and time. Where it is " +
			"false or cannot be told, the role permits nothing.",
	},
	{
		name: "require", like: "{amr: [mfa]}", form: objectOf(requireShape),
		doc: "What the caller must have shown.",
	},
	{
		name: "treat", required: true, like: "{C2: mask}", form: treatForm,
		doc: "What the role permits: of a field, type, sensitive ones, class or level, the first " +
			"of these that has an entry.",
	},
	{
		name: "grantable", like: "{cn_id_card: {approver: compliance, ttl: 30m}}",
		form: form{mapping: &form{object: grantableShape}, keys: typeWords},
		doc:  "Types that a grant may show in clear, by exception.",
	},
	{
		name: "limit", like: "{records: 50/response}", form: objectOf(limitShape),
		doc: "How much may be seen by the role.",
	},
}}

var treatForm = form{mapping: &form{text: &text{known: treatmentWords}}, keys: choiceWords}

var requireShape = &shape{"require", []key{
	{
		name: "amr", like: "[mfa]", form: someTexts,
		doc: "Authentication methods that the token must state, all of them (RFC 8176).",
	},
	{
		name: "acr", like: "[loa2, loa3]", form: someTexts,
		doc: "Authentication context classes of which the token must state one (OpenID Connect " +
			"Core).",
	},
	{
		name: "network", like: "[10.8.0.0/16]", form: someTexts,
		doc: "Networks of which the caller's address must be in one, as CIDR (RFC 4632).",
	},
	{
		name: "time", like: "{hours: [08:30-18:00]}", form: objectOf(windowShape),
		doc: "When the role may be used.",
	},
}}

var windowShape = &shape{"time", []key{
	{
		name: "weekdays", like: "[mon, tue, wed, thu, fri]", form: listOf(oneOf(weekdays...)),
		doc: "Days of the week. Default: all.",
	},
	{
		name: "hours", like: "[08:30-12:00, 13:30-18:00]",
		form: listOf(
			patterned(`^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)),
		doc: "Times of the day, the end excluded. Default: all day.",
	},
	{
		name: "zone", like: "Asia/Shanghai", form: anyText,
		doc: "Zone (IANA). Default: the policy's time_zone.",
	},
}}

var grantableShape = &shape{"grantable", []key{
	{
		name: "approver", required: true, like: "compliance", form: anyText,
		doc: "Role that whoever approves must have. They are never the caller.",
	},
	{
		name: "ttl", required: true, like: "30m", form: patterned(`^[1-9][0-9]{0,4}[smhd]$`),
		doc: "How long a grant holds from its approval: 30m, 8h, 7d.",
	},
	{
		name: "uses", like: "1", form: number,
		doc: "How many accesses a grant is good for. Default: any number within ttl.",
	},
}}

var limitShape = &shape{"limit", []key{
	{
		name: "records", like: "50/response", form: patterned(`^[1-9][0-9]{0,8}/response$`),
		doc: "Records in one response; one with more is refused.",
	},
	{
		name: "subjects", like: "200/1d",
		form: patterned(`^[1-9][0-9]{0,8}/[1-9][0-9]{0,3}[mhd]$`),
		doc: "Different subjects that a caller may see by the role in a time (m, h, d), counted " +
			"by each gateway.",
	},
}}

var capShape = &shape{"cap", []key{
	{
		name: "field", like: "customer $.idCard", form: anyText,
		doc: "The field, as SERVICE SELECTOR or SERVICE METHOD PATH SELECTOR.",
	},
	{
		name: "type", like: "cn_id_card", form: form{text: &text{known: typeWords}},
		doc: "Fields of this type.",
	},
	{
		name: "class", like: "C3", form: oneOf(classes...),
		doc: "Fields of this class.",
	},
	{
		name: "level", like: "L4", form: oneOf(levels...),
		doc: "Fields of this level.",
	},
	{
		name: "sensitive", like: "true", form: trueFalse,
		doc: "Sensitive fields, or those that are not.",
	},
	{
		name: "when", like: "caller.region != 'CN'", form: anyText,
		doc: "A CEL condition. Where it cannot be told, the cap applies.",
	},
	{
		name: "at_most", required: true, like: "drop",
		form: form{text: &text{known: treatmentWords}},
		doc:  "The most open treatment that is left of those fields.",
	},
}}

// requiring returns the keys, of which the named one is required.
func requiring(keys []key, name string) []key {
	keys = append([]key(nil), keys...)
	for i := range keys {
		keys[i].required = keys[i].required || keys[i].name == name
	}
	return keys
}
