package demo

import (
	"fmt"
	"net/http"
	"net/url"
)

// riskScore always fails, the way services do fail: an exception prints its arguments, and a
// debugging header was forgotten. The gateway has to stop both.
func (d *Data) riskScore(r responder) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		c, ok := d.Customer(req.PathValue("id"))
		if !ok {
			r.fail(w, http.StatusNotFound, "customer not found")
			return
		}
		w.Header().Set("X-Debug-Customer", fmt.Sprintf("name=%s; idCard=%s; mobile=%s",
			url.QueryEscape(c.Name), c.IDCard, url.QueryEscape(c.Mobile)))
		r.json(w, http.StatusInternalServerError, struct {
			Error string `json:"error"`
		}{fmt.Sprintf("scoring failed for %s %s %s: java.lang.ArithmeticException: / by zero\n"+
			"\tat cn.example.risk.Scorer.score(Scorer.java:88)\n"+
			"\tat cn.example.risk.ScoreController.get(ScoreController.java:41)",
			c.Name, c.IDCard, c.Mobile)})
	}
}
