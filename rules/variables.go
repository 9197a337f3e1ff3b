package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/maskgate/maskgate/masking"
)

// variable is an object that conditions read.
type variable struct {
	attributes map[string]*cel.Type
	ofStanding bool // whether it is a part of what is on record about the subject
}

var texts = cel.ListType(cel.StringType)

// variables are the objects that conditions read, besides the record, which may have any attribute.
// An attribute that nobody knows is missing, and a condition that reads it cannot be told.
var variables = map[string]variable{
	"caller": {attributes: map[string]*cel.Type{
		"id": cel.StringType, "roles": texts, "organisation": cel.StringType,
		"region": cel.StringType,
		"amr":    texts, "acr": cel.StringType, "purposes": texts, "address": cel.StringType,
	}},
	"request": {attributes: map[string]*cel.Type{
		"method": cel.StringType, "route": cel.StringType, "service": cel.StringType,
		"purpose": cel.StringType,
	}},
	"time": {attributes: map[string]*cel.Type{
		"now": cel.TimestampType, "date": cel.StringType, "hour": cel.IntType,
		"minute": cel.IntType, "weekday": cel.IntType,
	}},
	"consent": {ofStanding: true, attributes: map[string]*cel.Type{
		"id": cel.StringType, "purposes": texts, "covers": texts, "recipients": texts,
		"notice":  cel.StringType,
		"granted": cel.TimestampType, "expires": cel.TimestampType,
	}},
	"grant": {ofStanding: true, attributes: map[string]*cel.Type{
		"id": cel.StringType, "types": texts, "approver": cel.StringType,
		"approved": cel.TimestampType, "expires": cel.TimestampType,
	}},
}

// knows reports a path that is no attribute of the variable.
func (v variable) knows(name string, path []string) error {
	if len(path) == 1 && v.attributes[path[0]] != nil {
		return nil
	}
	have := strings.Join(append([]string{name}, path...), ".")
	known := slices.Sorted(maps.Keys(v.attributes))
	return fmt.Errorf("unknown name %s; want %s.%s", have, name, strings.Join(known, ", "+name+"."))
}

// conditionEnv declares the variables.
var conditionEnv = func() *cel.Env {
	registry, err := types.NewRegistry()
	if err != nil {
		panic(fmt.Sprintf("setting up conditions: %v", err))
	}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(provider{registry}),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.Variable("record", cel.MapType(cel.StringType, cel.DynType)),
	}
	for name := range variables {
		options = append(options, cel.Variable(name, cel.ObjectType(objectPrefix+name)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		panic(fmt.Sprintf("setting up conditions: %v", err))
	}
	return env
}()

// objectPrefix begins the names of the variables' types.
const objectPrefix = "maskgate."

// provider adds the variables' types to CEL's own. Their values are maps: CEL takes a missing key
// for an error, as it should, and would take the zero value of a Go struct's field for a value.
type provider struct{ types.Provider }

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if v, ok := strings.CutPrefix(name, objectPrefix); ok && variables[v].attributes != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if v, ok := strings.CutPrefix(name, objectPrefix); ok && variables[v].attributes != nil {
		return slices.Sorted(maps.Keys(variables[v].attributes)), true
	}
	return p.Provider.FindStructFieldNames(name)
}

func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if v, ok := strings.CutPrefix(name, objectPrefix); ok {
		t := variables[v].attributes[field]
		return &types.FieldType{Type: t}, t != nil
	}
	return p.Provider.FindStructFieldType(name, field)
}

// values are the variables' values at one decision, made when a condition asks for them. It is for
// one goroutine.
type values struct {
	access *Access
	zone   *time.Location // of the condition that is evaluated
	about  *about         // the record that is decided; nil before the first
	facts  map[string]any

	caller, request map[string]any
	clock           map[string]any
	clockZone       *time.Location
}

// about is what conditions can read of one record.
type about struct {
	inputs  []masking.Value
	holding holding
}

// ResolveName implements [cel.Activation].
func (v *values) ResolveName(name string) (any, bool) {
	switch name {
	case "caller":
		if v.caller == nil {
			v.caller = v.access.request.Caller.variable()
		}
		return v.caller, true
	case "request":
		if v.request == nil {
			r := v.access.route
			method, _, _ := strings.Cut(r.Match, " ")
			v.request = map[string]any{"method": method, "route": r.Match, "service": r.Service,
				"purpose": v.access.purpose.name}
		}
		return v.request, true
	case "time":
		if v.clockZone != v.zone {
			v.clock, v.clockZone = clock(v.access.request.Time, v.zone), v.zone
		}
		return v.clock, true
	case "record":
		return v.record(), true
	case "consent":
		if v.about == nil || v.about.holding.consent == nil {
			return nothing, true
		}
		return v.about.holding.consent.variable(), true
	case "grant":
		if v.about == nil || v.about.holding.grant == nil {
			return nothing, true
		}
		return v.about.holding.grant.variable(), true
	}
	return nil, false
}

// Parent implements [cel.Activation].
func (v *values) Parent() cel.Activation { return nil }

var nothing = map[string]any{}

func (v *values) record() map[string]any {
	if v.about == nil {
		return nothing
	}
	if v.facts == nil {
		v.facts = v.access.set.inputs.facts(v.about.inputs)
	}
	return v.facts
}

// next takes another record in place of the one before.
func (v *values) next(a *about) { v.about, v.facts = a, nil }

// known leaves out empty texts and zero times, which stand for what nobody knows: caller.region !=
// 'US' must not hold for a caller whose region nobody knows.
func known(m map[string]any) map[string]any {
	maps.DeleteFunc(m, func(_ string, value any) bool {
		t, isTime := value.(time.Time)
		return value == "" || isTime && t.IsZero()
	})
	return m
}

func (c *Caller) variable() map[string]any {
	address := ""
	if c.Address.IsValid() {
		address = c.Address.Unmap().String()
	}
	m := known(map[string]any{
		"id": c.ID, "organisation": c.Organisation, "region": c.Region, "acr": c.ACR,
		"address": address,
		"roles":   c.Roles, "amr": c.AMR, "purposes": c.Purposes,
	})
	if len(c.AMR) == 0 { // everybody signs in by some method, so the token does not say by which
		delete(m, "amr")
	}
	return m
}

// clock is the variable time. Days of the week count from Monday, 1, to Sunday, 7 (ISO 8601).
func clock(t time.Time, zone *time.Location) map[string]any {
	if t.IsZero() {
		return nothing
	}
	t = t.In(zone)
	return map[string]any{
		"now": t, "date": t.Format(time.DateOnly), "hour": t.Hour(), "minute": t.Minute(),
		"weekday": (int(t.Weekday())+6)%7 + 1,
	}
}
