package rules

// The keys of the language, each declared once. docs/rules.md explains them at length.

// signed are the keys that every file has: who answers for it.
var signed = []key{
	{name: "owner", doc: "The team that answers for this file.", like: "crm-team", form: anyText},
	{name: "reviewer", doc: "Who reviewed this file as it stands. Goes into every access record that it decides.", like: "wang.fang", form: anyText},
	{name: "justification", doc: "Why the rules are as they are: a ticket, an impact assessment, a decision. Goes into the record of the rules in force.", like: "PIA-2025-014", form: anyText},
	{name: "accept", doc: "Warnings of rules check about this file that are accepted, each with the reason.", like: "[{finding: purpose_unserved, about: purpose audit, reason: auditors start in March}]", form: listOf(objectOf(acceptShape))},
}

var acceptShape = &shape{"accept", []key{
	{name: "finding", doc: "Code of the warning, as rules check prints it in brackets.", like: "purpose_unserved", form: oneOf(acceptable()...), required: true},
	{name: "about", doc: "What the warning is about, as rules check prints it in front of the message.", like: "purpose audit", form: anyText, required: true},
	{name: "reason", doc: "Why it may stay as it is.", like: "the auditors start in March", form: reasonText, required: true},
}}

var serviceShape = &shape{"service", append([]key{
	{name: "kind", doc: "service: says what the fields of a data service are. The team of the service owns the file.", like: "service", form: oneOf("service"), required: true},
	{name: "name", doc: "Name of the service. No other service file has it.", like: "customer", form: patterned(`^[^\s$]+$`), required: true},
	{name: "hosts", doc: "Host names by which the service is asked, in lower case, without port. Default: any. A service that lists the host of a request goes before one that lists none.", like: "[crm.bank.example]", form: listOf(patterned(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]*:[0-9a-f:.]*)$`))},
	{name: "prefix", doc: "What the path of every route begins with, as the data service receives it. Default: nothing.", like: "/crm", form: patterned(`^/[^{}]*[^/{}]$`)},
	{name: "routes", doc: "The routes of the service. A request that none matches is refused.", like: "[{match: GET /v1/customers/{id}, fields: {…}}]", form: listOf(objectOf(routeShape)), required: true},
}, requiring(signed, "owner")...)}

var routeShape = &shape{"route", append(append([]key{
	{name: "match", doc: "Method and path, as in GET /v1/customers/{id}. A parameter in braces fills a segment. A literal segment goes before a parameter.", like: "GET /v1/customers/{id}", form: matchText, required: true},
	{name: "public", doc: "Why responses pass unread, to any caller with a valid token: they are free of personal data. Excludes the keys about records and fields.", like: "business registration is published by law", form: reasonText},
	{name: "purpose", doc: "The purpose of every access by this route. Default: the caller names one.", like: "loan-review", form: anyText},
	{name: "media_types", doc: "Media types that a response may have. Default: application/json. A public route may have others.", like: "[application/json]", form: someTexts},
	{name: "headers", doc: "Response headers that may pass, unread: list only those free of personal data. Default: none.", like: "[X-Total-Count]", form: someTexts},
	{name: "query", doc: "Query parameters that may be sent; a request with any other is refused. Default: none.", like: "[page, size]", form: someTexts},
	{name: "envelope", doc: "What the fields outside any record are: selector to type.", like: "{$.code: public}", form: fieldsForm},
}, recordKeys...), []key{
	{name: "records", doc: "Several kinds of record, inner ones too, instead of record, subject and fields.", like: "[{record: $.guarantors[*], fields: {…}}]", form: listOf(objectOf(recordShape))},
	{name: "unlisted", doc: "What becomes of a value that no selector names: drop (the default), mask (the text ****), or pass, which wants a reason.", like: "drop, mask or {pass: why}",
		form: form{text: &text{words: []string{"drop", "mask"}}, object: unlistedShape}},
	{name: "keep_positions", doc: "Whether null takes the place of an array element that is dropped, so that those behind it keep their index. Default: false.", like: "true", form: trueFalse},
}...)}

var recordShape = &shape{"record", recordKeys}

var recordKeys = []key{
	{name: "record", doc: "Where records are, as a JSONPath (RFC 9535) from the root. Default: $, the whole document.", like: "$.data.items[*]", form: selectorText},
	{name: "subject", doc: "Whom a record is about, as a JSONPath from the record. A record that has not exactly one refuses the response.", like: "$.customerId", form: selectorText},
	{name: "fields", doc: "What the fields of the record are: selector to type.", like: "{$.name: person_name}", form: fieldsForm},
}

var fieldsForm = form{mapping: &form{text: &text{known: typeWords}, object: fieldShape}, keys: selectorTexts}

var fieldShape = &shape{"field", []key{
	{name: "type", doc: "What the field is.", like: "cn_id_card", form: form{text: &text{known: typeWords}}},
	{name: "class", doc: "Class here, instead of the type's (JR/T 0171-2020). A lower one wants a reason.", like: "C3", form: oneOf(classes...)},
	{name: "level", doc: "Level here, instead of the type's (JR/T 0197-2020). A lower one wants a reason.", like: "L4", form: oneOf(levels...)},
	{name: "sensitive", doc: "Whether it is sensitive personal information here (PIPL Art. 28). false instead of true wants a reason.", like: "true", form: trueFalse},
	{name: "mask", doc: "What mask does to the field, instead of the type's default. A more open one wants a reason.", like: "mask(keep_last=4)", form: form{text: &text{known: treatmentWords}}},
	{name: "reason", doc: "Why the field is less protected here than its type.", like: "the branch's own address, not a customer's", form: reasonText},
}}

func init() { // what lies in a string is declared as fields are
	fieldShape.keys = append(fieldShape.keys, key{
		name: embeddedJSON, doc: "Instead of a type, of a string that holds JSON: what the fields within are, selector to type.", like: "{$.name: person_name}", form: fieldsForm,
	})
}

var unlistedShape = &shape{"unlisted", []key{
	{name: "pass", doc: "Why values that nobody classified may leave as they are.", like: "the service returns codes of products only", form: reasonText, required: true},
}}

var policyShape = &shape{"policy", append([]key{
	{name: "kind", doc: "policy: says who may see what, and why. Security owns the file.", like: "policy", form: oneOf("policy"), required: true},
	{name: "name", doc: "Name of the policy.", like: "customer-data", form: anyText, required: true},
	{name: "time_zone", doc: "Zone (IANA) of time in the conditions and requirements of this file. Default: Asia/Shanghai.", like: "Asia/Shanghai", form: anyText},
	{name: "types", doc: "Types of the company's own, and what is other than the catalogue says about its types.", like: "{employee_number: {class: C1, level: L2}}", form: mappingOf(objectOf(typeShape))},
	{name: "purposes", doc: "Business reasons for access.", like: "{loan-review: {basis: consent}}", form: mappingOf(objectOf(purposeShape))},
	{name: "roles", doc: "What each role permits. The most open permit wins.", like: "{agent: {purposes: [customer-service], treat: {C2: mask}}}", form: mappingOf(objectOf(roleShape))},
	{name: "caps", doc: "The most that is left of what roles permit. The strictest cap wins.", like: "[{class: C3, at_most: drop}]", form: listOf(objectOf(capShape))},
}, signed...)}

var typeShape = &shape{"type", []key{
	{name: "description", doc: "What a value of this type is.", like: "工号", form: anyText},
	{name: "class", doc: "Class (JR/T 0171-2020): C3 are credentials, C2 identifies a person or their finances, C1 is internal.", like: "C2", form: oneOf(classes...)},
	{name: "level", doc: "Level (JR/T 0197-2020), from L1 to L5. Required for a type of the company's own.", like: "L3", form: oneOf(levels...)},
	{name: "sensitive", doc: "Whether it is sensitive personal information (PIPL Art. 28). Default: false.", like: "true", form: trueFalse},
	{name: "mask", doc: "What mask does to it. Default: the text ****.", like: "mask(keep_last=3)", form: form{text: &text{known: treatmentWords}}},
	{name: "always", doc: "The most that is ever left of it, whatever roles permit.", like: "drop", form: form{text: &text{known: treatmentWords}}},
}}

var purposeShape = &shape{"purpose", []key{
	{name: "basis", doc: "Legal basis (PIPL Art. 13(1)): consent (1), contract (2), legal_duty (3), emergency (4), public_interest (5), disclosed (6), law (7). Under consent, a record shows what its subject's consent covers.", like: "contract", form: oneOf(bases...), required: true},
	{name: "document", doc: "Where the basis is documented: the contract's clause, the impact assessment, the notice.", like: "PIA-2025-014", form: anyText},
}}

var roleShape = &shape{"role", []key{
	{name: "purposes", doc: "The purposes that the role serves.", like: "[customer-service]", form: someTexts, required: true},
	{name: "when", doc: "A CEL condition over caller, request, record, consent, grant and time. Where it is false or cannot be told, the role permits nothing.", like: "record.agentId == caller.id", form: anyText},
	{name: "require", doc: "What the caller must have shown.", like: "{amr: [mfa]}", form: objectOf(requireShape)},
	{name: "treat", doc: "What the role permits: of a field, type, sensitive ones, class or level, the first of these that has an entry.", like: "{C2: mask}", form: treatForm, required: true},
	{name: "grantable", doc: "Types that a grant may show in clear, by exception.", like: "{cn_id_card: {approver: compliance, ttl: 30m}}", form: form{mapping: &form{object: grantableShape}, keys: typeWords}},
	{name: "limit", doc: "How much may be seen by the role.", like: "{records: 50/response}", form: objectOf(limitShape)},
}}

var treatForm = form{mapping: &form{text: &text{known: treatmentWords}}, keys: choiceWords}

var requireShape = &shape{"require", []key{
	{name: "amr", doc: "Authentication methods that the token must state, all of them (RFC 8176).", like: "[mfa]", form: someTexts},
	{name: "acr", doc: "Authentication context classes of which the token must state one (OpenID Connect Core).", like: "[loa2, loa3]", form: someTexts},
	{name: "network", doc: "Networks of which the caller's address must be in one, as CIDR (RFC 4632).", like: "[10.8.0.0/16]", form: someTexts},
	{name: "time", doc: "When the role may be used.", like: "{hours: [08:30-18:00]}", form: objectOf(windowShape)},
}}

var windowShape = &shape{"time", []key{
	{name: "weekdays", doc: "Days of the week. Default: all.", like: "[mon, tue, wed, thu, fri]", form: listOf(oneOf(weekdays...))},
	{name: "hours", doc: "Times of the day, the end excluded. Default: all day.", like: "[08:30-12:00, 13:30-18:00]", form: listOf(patterned(`^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`))},
	{name: "zone", doc: "Zone (IANA). Default: the policy's time_zone.", like: "Asia/Shanghai", form: anyText},
}}

var grantableShape = &shape{"grantable", []key{
	{name: "approver", doc: "Role that whoever approves must have. They are never the caller.", like: "compliance", form: anyText, required: true},
	{name: "ttl", doc: "How long a grant holds from its approval: 30m, 8h, 7d.", like: "30m", form: patterned(`^[1-9][0-9]{0,4}[smhd]$`), required: true},
	{name: "uses", doc: "How many accesses a grant is good for. Default: any number within ttl.", like: "1", form: number},
}}

var limitShape = &shape{"limit", []key{
	{name: "records", doc: "Records in one response; one with more is refused.", like: "50/response", form: patterned(`^[1-9][0-9]{0,8}/response$`)},
	{name: "subjects", doc: "Different subjects that a caller may see by the role in a time (m, h, d), counted by each gateway.", like: "200/1d", form: patterned(`^[1-9][0-9]{0,8}/[1-9][0-9]{0,3}[mhd]$`)},
}}

var capShape = &shape{"cap", []key{
	{name: "field", doc: "The field, as SERVICE SELECTOR or SERVICE METHOD PATH SELECTOR.", like: "customer $.idCard", form: anyText},
	{name: "type", doc: "Fields of this type.", like: "cn_id_card", form: form{text: &text{known: typeWords}}},
	{name: "class", doc: "Fields of this class.", like: "C3", form: oneOf(classes...)},
	{name: "level", doc: "Fields of this level.", like: "L4", form: oneOf(levels...)},
	{name: "sensitive", doc: "Sensitive fields, or those that are not.", like: "true", form: trueFalse},
	{name: "when", doc: "A CEL condition. Where it cannot be told, the cap applies.", like: "caller.region != 'CN'", form: anyText},
	{name: "at_most", doc: "The most open treatment that is left of those fields.", like: "drop", form: form{text: &text{known: treatmentWords}}, required: true},
}}

// requiring returns the keys, with one of them required.
func requiring(keys []key, name string) []key {
	keys = append([]key(nil), keys...)
	for i := range keys {
		keys[i].required = keys[i].required || keys[i].name == name
	}
	return keys
}
