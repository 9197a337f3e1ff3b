package demo

import "net/http"

// Options changes how a Handler writes.
type Options struct {
	// Indent is put before each line of a JSON body, once per level of nesting. If it is empty,
	// bodies are compact. Lines of application/x-ndjson are always compact.
	Indent string
}

// Handler serves d; of several options the last one counts. Bodies are UTF-8, and the media type
// is exactly application/json or, for the export, application/x-ndjson:
//
//	GET /v1/customers?page=1&size=20&agent=agent-07   a Page of Customer; agent is optional
//	GET /v1/customers/{id}                            a Customer
//	GET /v1/customers/{id}/transactions               a Transactions
//	GET /v1/customers/{id}/notices                    a Notices
//	GET /v1/customers/{id}/credit-report              a CreditReport
//	GET /v1/customers/{id}/risk-score                 500 with personal data in body and header
//	GET /v1/exports/customers?branch=BJ-001           a Customer a line
//	GET /v1/companies?page=1&size=20                  a Page of Company
//	GET /v1/companies/{uscc}                          a Company
//
// A bad parameter is answered with 400 and an unknown id with 404, both with an [ErrorBody], which
// repeats nothing of the request; every method but GET, HEAD included, with 405. Other parameters
// are ignored.
func (d *Data) Handler(opts ...Options) http.Handler {
	var r responder
	for _, o := range opts {
		r.indent = o.Indent
	}
	mux := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) {
		mux.HandleFunc("GET "+path, h)
		mux.HandleFunc(path, notAllowed)
		// The mux lets GET stand for HEAD as well unless HEAD has a pattern of its own.
		mux.HandleFunc("HEAD "+path, notAllowed)
	}
	get("/v1/customers", d.listCustomers(r))
	get("/v1/customers/{id}", byID(r, "customer not found", d.Customer))
	get("/v1/customers/{id}/transactions", byID(r, "customer not found", d.Transactions))
	get("/v1/customers/{id}/notices", byID(r, "customer not found", d.Notices))
	get("/v1/customers/{id}/credit-report", byID(r, "customer not found", d.CreditReport))
	get("/v1/customers/{id}/risk-score", d.riskScore(r))
	get("/v1/exports/customers", d.exportCustomers(r))
	get("/v1/companies", d.listCompanies(r))
	get("/v1/companies/{id}", byID(r, "company not found", d.Company))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		r.fail(w, http.StatusNotFound, "no such resource")
	})
	return mux
}

func notAllowed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", http.MethodGet)
	w.WriteHeader(http.StatusMethodNotAllowed)
}

// byID serves what find returns for the {id} of the path.
func byID[T any](r responder, missing string, find func(id string) (T, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		v, ok := find(req.PathValue("id"))
		if !ok {
			r.fail(w, http.StatusNotFound, missing)
			return
		}
		r.json(w, http.StatusOK, v)
	}
}

func (d *Data) listCustomers(r responder) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		query := req.URL.Query()
		page, size, ok := pageOf(query)
		if !ok {
			r.fail(w, http.StatusBadRequest, badPage)
			return
		}
		agent, only := query.Get("agent"), query.Has("agent")
		from, total, items := (page-1)*size, 0, []Customer{}
		for i := range d.n {
			if only && postOf(i).agent != agent {
				continue
			}
			if total >= from && len(items) < size {
				items = append(items, d.customer(i))
			}
			total++
		}
		r.json(w, http.StatusOK, newPage(items, page, total))
	}
}

func (d *Data) listCompanies(r responder) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		page, size, ok := pageOf(req.URL.Query())
		if !ok {
			r.fail(w, http.StatusBadRequest, badPage)
			return
		}
		from := min((page-1)*size, len(d.companies))
		to := min(from+size, len(d.companies))
		r.json(w, http.StatusOK, newPage(d.companies[from:to], page, len(d.companies)))
	}
}

// exportCustomers streams: its length is not known beforehand.
func (d *Data) exportCustomers(r responder) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		branch := req.URL.Query().Get("branch")
		if branch == "" {
			r.fail(w, http.StatusBadRequest, "branch is missing")
			return
		}
		if !knownBranch(branch) {
			r.fail(w, http.StatusNotFound, "branch not found")
			return
		}
		ndjson(w, d.where(func(i int) bool { return postOf(i).branch == branch }))
	}
}
