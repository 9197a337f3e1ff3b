package rules

// The keys of tests of rules, which stand in files of kind: test beside the rules. docs/tools.md
// explains them at length.

var testShape = &shape{"test", []key{
	{
		name: "kind", required: true, like: "test", form: oneOf("test"),
		doc: "test: says what callers must get under the rules. maskgate rules test runs it.",
	},
	{
		name: "rules", like: "[.]", form: someTexts,
		doc: "Rule files, or directories of them, relative to this file. Default: the directory " +
			"of this file.",
	},
	{
		name: "tests", required: true,
		like: "[{name: …, request: GET /v1/customers/C1, expect: {…}}]",
		form: listOf(objectOf(caseShape)),
		doc:  "The tests.",
	},
}}

var caseShape = &shape{"case", []key{
	{
		name: "name", required: true, like: "客服只见掩码", form: anyText,
		doc: "What is tested; unique in the file.",
	},
	{
		name: "caller",
		like: "{id: agent-01, roles: [customer-service], purposes: [customer-service]}",
		form: objectOf(callerShape),
		doc:  "Who asks, as their token says. Default: nobody, whom no role serves.",
	},
	{
		name: "purpose", like: "customer-service", form: anyText,
		doc: "The purpose that the caller names.",
	},
	{
		name: "time", like: "2026-11-20T10:00:00+08:00", form: anyText,
		doc: "When (RFC 3339). Default: 2026-11-20T10:00:00+08:00, a Friday.",
	},
	{
		name: "request", required: true, like: "GET /v1/customers?page=1", form: anyText,
		doc: "Method, path and query; with a host as in GET //crm.bank.example/v1/customers.",
	},
	{
		name: "consents",
		like: "[{purposes: [loan-review], covers: [C2], granted: 2026-11-01T09:00:00+08:00}]",
		form: listOf(objectOf(consentShape)),
		doc:  "What subjects consented to.",
	},
	{
		name: "grants",
		like: "[{types: [cn_id_card], approver: boss-01, approver_roles: [compliance], approved: " +
			"2026-11-20T09:50:00+08:00}]",
		form: listOf(objectOf(grantShape)),
		doc:  "Exceptions that were approved.",
	},
	{
		name: "response", like: `{body: '{"name":"张三丰"}'}`, form: objectOf(responseShape),
		doc: "What the data service answers. Without it, it does not answer.",
	},
	{
		name: "expect", required: true, like: `{body: '{"name":"张**"}'}`,
		form: objectOf(expectShape),
		doc:  "What the caller must get.",
	},
}}

var callerShape = &shape{"caller", []key{
	{
		name: "id", like: "agent-01", form: anyText,
		doc: "Who they are.",
	},
	{
		name: "roles", like: "[customer-service]", form: someTexts,
		doc: "Their roles.",
	},
	{
		name: "purposes", like: "[customer-service]", form: someTexts,
		doc: "Purposes that their token is good for.",
	},
	{
		name: "organisation", like: "retail", form: anyText,
		doc: "Their organisation.",
	},
	{
		name: "region", like: "CN", form: anyText,
		doc: "Where they are.",
	},
	{
		name: "amr", like: "[pwd, mfa]", form: someTexts,
		doc: "Authentication methods (RFC 8176).",
	},
	{
		name: "acr", like: "loa2", form: anyText,
		doc: "Authentication context class.",
	},
	{
		name: "address", like: "10.1.2.3", form: anyText,
		doc: "Network address of the connection.",
	},
}}

var consentShape = &shape{"consent", []key{
	{
		name: "subject", like: "C00000052", form: anyText,
		doc: "Whose consent it is. Default: that of every subject in the response.",
	},
	{
		name: "id", like: "consent-1", form: anyText,
		doc: "Its name.",
	},
	{
		name: "purposes", required: true, like: "[loan-review]", form: someTexts,
		doc: "Purposes that it is for.",
	},
	{
		name: "covers", like: "[C2, cn_id_card]", form: someTexts,
		doc: "Types, classes and levels that it covers; of sensitive fields, types and sensitive " +
			"only.",
	},
	{
		name: "recipients", like: "[retail]", form: someTexts,
		doc: "Organisations that it is for. Default: any.",
	},
	{
		name: "notice", like: "2026-01", form: anyText,
		doc: "Version of the notice that the subject was shown.",
	},
	{
		name: "granted", required: true, like: "2026-11-01T09:00:00+08:00", form: anyText,
		doc: "When it was given (RFC 3339).",
	},
	{
		name: "expires", like: "2027-11-01T09:00:00+08:00", form: anyText,
		doc: "When it ends. Default: not at a fixed time.",
	},
	{
		name: "withdrawn", like: "2026-11-10T09:00:00+08:00", form: anyText,
		doc: "When it was withdrawn. Default: it was not.",
	},
}}

var grantShape = &shape{"grant", []key{
	{
		name: "subject", like: "C00000052", form: anyText,
		doc: "Whose records it is for. Default: those of every subject in the response.",
	},
	{
		name: "id", like: "grant-1", form: anyText,
		doc: "Its name.",
	},
	{
		name: "caller", like: "agent-01", form: anyText,
		doc: "Id of the caller whom it is for. Default: the test's.",
	},
	{
		name: "purpose", like: "loan-review", form: anyText,
		doc: "The purpose that it is for. Default: the test's.",
	},
	{
		name: "types", required: true, like: "[cn_id_card]", form: someTexts,
		doc: "Types that it shows.",
	},
	{
		name: "approver", required: true, like: "boss-01", form: anyText,
		doc: "Id of who approved it.",
	},
	{
		name: "approver_roles", required: true, like: "[compliance]", form: someTexts,
		doc: "Roles of who approved it.",
	},
	{
		name: "approved", required: true, like: "2026-11-20T09:50:00+08:00", form: anyText,
		doc: "When it was approved (RFC 3339).",
	},
	{
		name: "expires", like: "2026-11-20T10:20:00+08:00", form: anyText,
		doc: "When it ends. Default: when the policy's ttl does.",
	},
	{
		name: "used", like: "1", form: tally,
		doc: "Accesses that it was used for before. Default: 0.",
	},
}}

var responseShape = &shape{"response", []key{
	{
		name: "body", like: `'{"name":"张三丰"}'`, form: anyText,
		doc: "The body.",
	},
	{
		name: "file", like: "customers.json", form: anyText,
		doc: "A file with the body instead, relative to this one.",
	},
	{
		name: "type", like: "application/x-ndjson", form: anyText,
		doc: "Its media type. Default: application/json.",
	},
	{
		name: "status", like: "200", form: number,
		doc: "Its status. Default: 200.",
	},
	{
		name: "headers", like: "{X-Total-Count: 2}", form: mappingOf(anyText),
		doc: "Further headers: name to value.",
	},
}}

var expectShape = &shape{"expect", []key{
	{
		name: "body", like: `'{"name":"张**"}'`, form: anyText,
		doc: "The body that the caller gets, byte for byte.",
	},
	{
		name: "file", like: "masked.json", form: anyText,
		doc: "A file with that body instead, relative to this one.",
	},
	{
		name: "fields", like: "{$.idCard: mask, $.name: clear}",
		form: form{mapping: &form{text: &text{known: treatmentWords},
			mapping: &form{text: &text{known: treatmentWords}}}},
		doc: "Treatment by field, of records that are shown: selector to treatment; where a " +
			"route has several kinds of record, their selector, or envelope, to these.",
	},
	{
		name: "records", like: "{released: 1, denied: 0}", form: objectOf(recordsShape),
		doc: "How many records leave and do not.",
	},
	{
		name: "refused", like: "no_role", form: patterned(`^[a-z_]+$`),
		doc: "The reason of the refusal, as docs/problems.md has it, instead of all these.",
	},
}}

var recordsShape = &shape{"records", []key{
	{
		name: "released", like: "1", form: tally,
		doc: "Records in the answer.",
	},
	{
		name: "denied", like: "0", form: tally,
		doc: "Records that were removed whole, because no role's condition holds for them.",
	},
}}
