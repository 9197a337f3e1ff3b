package demo

// Person is a caller of the demo: what the issuer says about it in a token.
type Person struct {
	Short    string   // the name for Find
	ID       string   // claim sub
	Name     string   // for people to read; no claim
	Roles    []string // claim roles
	Org      string   // claim org
	Purposes []string // claim purpose
	AMR      []string // claim amr (RFC 8176)
	ACR      string   // claim acr: "1" for one factor, "2" for two
	Region   string   // claim region
}

// People are the callers of the demo. Do not change them.
var People = []Person{
	{
		Short: "customer-service", ID: "agent-07", Name: "王芳",
		Roles: []string{"customer-service"}, Org: "demo-consumer-finance",
		Purposes: []string{"customer-service"},
		AMR:      []string{"pwd"}, ACR: "1", Region: "CN",
	},
	{
		Short: "credit-officer", ID: "officer-03", Name: "李强",
		Roles: []string{"credit-officer"}, Org: "demo-consumer-finance",
		Purposes: []string{"loan-review"},
		AMR:      []string{"pwd", "mfa"}, ACR: "2", Region: "CN",
	},
	{
		Short: "no-role", ID: "intern-12", Name: "赵敏",
		Roles: []string{}, Org: "demo-consumer-finance",
		Purposes: []string{"customer-service"},
		AMR:      []string{"pwd"}, ACR: "1", Region: "CN",
	},
}

// Find returns the person with a short name, and whether there is one.
func Find(short string) (Person, bool) {
	for _, p := range People {
		if p.Short == short {
			return p, true
		}
	}
	return Person{}, false
}
