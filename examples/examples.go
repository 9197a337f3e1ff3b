// Package examples keeps rules that run; only package demo, below it, has code. Each example is a
// directory: rule files, their tests, the answers of a data service that the tests use, and a
// README that says who sees what.
//
//   - customer: a bank's customers; the demo's data service, in the directory demo, serves them
//   - credit: credit reports, under the Regulation on Credit Reporting (征信业管理条例)
//   - claims: claims of motor and health insurance, and the garages that work for the insurer
package examples
