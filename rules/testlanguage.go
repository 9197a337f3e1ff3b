package rules

// The keys of tests of rules, which stand in files of kind: test beside the rules. docs/tools.md explains them at length.

var testShape = &shape{"test", []key{
	{name: "kind", doc: "test: says what callers must get under the rules. maskgate rules test runs it.", like: "test", form: oneOf("test"), required: true},
	{name: "rules", doc: "Rule files, or directories of them, relative to this file. Default: the directory of this file.", like: "[.]", form: someTexts},
	{name: "tests", doc: "The tests.", like: "[{name: …, request: GET /v1/customers/C1, expect: {…}}]", form: listOf(objectOf(caseShape)), required: true},
}}

var caseShape = &shape{"case", []key{
	{name: "name", doc: "What is tested; unique in the file.", like: "客服只见掩码", form: anyText, required: true},
	{name: "caller", doc: "Who asks, as their token says. Default: nobody, whom no role serves.", like: "{id: agent-01, roles: [customer-service], purposes: [customer-service]}", form: objectOf(callerShape)},
	{name: "purpose", doc: "The purpose that the caller names.", like: "customer-service", form: anyText},
	{name: "time", doc: "When (RFC 3339). Default: 2026-11-20T10:00:00+08:00, a Friday.", like: "2026-11-20T10:00:00+08:00", form: anyText},
	{name: "request", doc: "Method, path and query; with a host as in GET //crm.bank.example/v1/customers.", like: "GET /v1/customers?page=1", form: anyText, required: true},
	{name: "consents", doc: "What subjects consented to.", like: "[{purposes: [loan-review], covers: [C2], granted: 2026-11-01T09:00:00+08:00}]", form: listOf(objectOf(consentShape))},
	{name: "grants", doc: "Exceptions that were approved.", like: "[{types: [cn_id_card], approver: boss-01, approver_roles: [compliance], approved: 2026-11-20T09:50:00+08:00}]", form: listOf(objectOf(grantShape))},
	{name: "response", doc: "What the data service answers. Without it, it does not answer.", like: `{body: '{"name":"张三丰"}'}`, form: objectOf(responseShape)},
	{name: "expect", doc: "What the caller must get.", like: `{body: '{"name":"张**"}'}`, form: objectOf(expectShape), required: true},
}}

var callerShape = &shape{"caller", []key{
	{name: "id", doc: "Who they are.", like: "agent-01", form: anyText},
	{name: "roles", doc: "Their roles.", like: "[customer-service]", form: someTexts},
	{name: "purposes", doc: "Purposes that their token is good for.", like: "[customer-service]", form: someTexts},
	{name: "organisation", doc: "Their organisation.", like: "retail", form: anyText},
	{name: "region", doc: "Where they are.", like: "CN", form: anyText},
	{name: "amr", doc: "Authentication methods (RFC 8176).", like: "[pwd, mfa]", form: someTexts},
	{name: "acr", doc: "Authentication context class.", like: "loa2", form: anyText},
	{name: "address", doc: "Network address of the connection.", like: "10.1.2.3", form: anyText},
}}

var consentShape = &shape{"consent", []key{
	{name: "subject", doc: "Whose consent it is. Default: that of every subject in the response.", like: "C00000052", form: anyText},
	{name: "id", doc: "Its name.", like: "consent-1", form: anyText},
	{name: "purposes", doc: "Purposes that it is for.", like: "[loan-review]", form: someTexts, required: true},
	{name: "covers", doc: "Types, classes and levels that it covers; of sensitive fields, types and sensitive only.", like: "[C2, cn_id_card]", form: someTexts},
	{name: "recipients", doc: "Organisations that it is for. Default: any.", like: "[retail]", form: someTexts},
	{name: "notice", doc: "Version of the notice that the subject was shown.", like: "2026-01", form: anyText},
	{name: "granted", doc: "When it was given (RFC 3339).", like: "2026-11-01T09:00:00+08:00", form: anyText, required: true},
	{name: "expires", doc: "When it ends. Default: not at a fixed time.", like: "2027-11-01T09:00:00+08:00", form: anyText},
	{name: "withdrawn", doc: "When it was withdrawn. Default: it was not.", like: "2026-11-10T09:00:00+08:00", form: anyText},
}}

var grantShape = &shape{"grant", []key{
	{name: "subject", doc: "Whose records it is for. Default: those of every subject in the response.", like: "C00000052", form: anyText},
	{name: "id", doc: "Its name.", like: "grant-1", form: anyText},
	{name: "caller", doc: "Id of the caller whom it is for. Default: the test's.", like: "agent-01", form: anyText},
	{name: "purpose", doc: "The purpose that it is for. Default: the test's.", like: "loan-review", form: anyText},
	{name: "types", doc: "Types that it shows.", like: "[cn_id_card]", form: someTexts, required: true},
	{name: "approver", doc: "Id of who approved it.", like: "boss-01", form: anyText, required: true},
	{name: "approver_roles", doc: "Roles of who approved it.", like: "[compliance]", form: someTexts, required: true},
	{name: "approved", doc: "When it was approved (RFC 3339).", like: "2026-11-20T09:50:00+08:00", form: anyText, required: true},
	{name: "expires", doc: "When it ends. Default: when the policy's ttl does.", like: "2026-11-20T10:20:00+08:00", form: anyText},
	{name: "used", doc: "Accesses that it was used for before. Default: 0.", like: "1", form: tally},
}}

var responseShape = &shape{"response", []key{
	{name: "body", doc: "The body.", like: `'{"name":"张三丰"}'`, form: anyText},
	{name: "file", doc: "A file with the body instead, relative to this one.", like: "customers.json", form: anyText},
	{name: "type", doc: "Its media type. Default: application/json.", like: "application/x-ndjson", form: anyText},
	{name: "status", doc: "Its status. Default: 200.", like: "200", form: number},
	{name: "headers", doc: "Further headers: name to value.", like: "{X-Total-Count: 2}", form: mappingOf(anyText)},
}}

var expectShape = &shape{"expect", []key{
	{name: "body", doc: "The body that the caller gets, byte for byte.", like: `'{"name":"张**"}'`, form: anyText},
	{name: "file", doc: "A file with that body instead, relative to this one.", like: "masked.json", form: anyText},
	{name: "fields", doc: "Treatment by field, of records that are shown: selector to treatment; where a route has several kinds of record, their selector, or envelope, to these.", like: "{$.idCard: mask, $.name: clear}",
		form: form{mapping: &form{text: &text{known: treatmentWords}, mapping: &form{text: &text{known: treatmentWords}}}}},
	{name: "records", doc: "How many records leave and do not.", like: "{released: 1, denied: 0}", form: objectOf(recordsShape)},
	{name: "refused", doc: "The reason of the refusal, as docs/problems.md has it, instead of all these.", like: "no_role", form: patterned(`^[a-z_]+$`)},
}}

var recordsShape = &shape{"records", []key{
	{name: "released", doc: "Records in the answer.", like: "1", form: tally},
	{name: "denied", doc: "Records that were removed whole, because no role's condition holds for them.", like: "0", form: tally},
}}
