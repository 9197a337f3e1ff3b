// Package examples has no code: it keeps rules that run, each in a directory of its own with its tests, the answers of the data
// service that the tests use, and a README that says who sees what.
//
//   - customer: a bank's customers; the demo's data service, in the directory demo, serves them
//   - credit: credit reports, under the Regulation on Credit Reporting (征信业管理条例)
//   - claims: claims of motor and health insurance, and the garages that work for the insurer
package examples
