package ruletest

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Style paints words on a terminal; a nil function leaves them plain.
type Style struct{ Good, Bad func(string) string }

func painted(paint func(string) string, text string) string {
	if paint == nil {
		return text
	}
	return paint(text)
}

// Text writes the report for people: failures with what differs, then the numbers, then the
// coverage if it is asked for.
func (r *Report) Text(out io.Writer, style Style, coverage bool) error {
	w := bufio.NewWriter(out)
	for _, t := range r.Results {
		if t.Failures == nil {
			continue
		}
		fmt.Fprintf(w, "%s %s: %s\n", painted(style.Bad, "FAIL"), t.At, t.Name)
		for _, f := range t.Failures {
			fmt.Fprintf(w, "  %s: %s\n", f.At, f.Message)
			for _, d := range f.Differences {
				fmt.Fprintf(w, "    %s\n", d.Path)
				fmt.Fprintf(w, "      %s\n", painted(style.Good, "want "+orNothing(d.Want)))
				fmt.Fprintf(w, "      %s\n", painted(style.Bad, "have "+orNothing(d.Have)))
			}
		}
	}
	verdict := painted(style.Good, "ok")
	if r.Failed > 0 {
		verdict = painted(style.Bad, "FAIL")
	}
	fmt.Fprintf(w, "%s %d passed, %d failed\n", verdict, r.Passed, r.Failed)
	for _, c := range r.Coverage {
		if !coverage {
			break
		}
		fmt.Fprintf(w, "\ncoverage of %s\n", strings.Join(c.Rules, ", "))
		for _, part := range []struct {
			what  string
			share Share
		}{{"routes", c.Routes}, {"fields", c.Fields}, {"roles", c.Roles}} {
			fmt.Fprintf(w, "  %s %3d %%  %d of %d\n", part.what+strings.Repeat(" ",
				6-len(part.what)), part.share.Percent(), part.share.Covered, part.share.Total)
			for _, name := range part.share.Missing {
				fmt.Fprintf(w, "    no test: %s\n", name)
			}
		}
	}
	return w.Flush()
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name     string         `xml:"name,attr"`
	Class    string         `xml:"classname,attr"`
	File     string         `xml:"file,attr"`
	Line     string         `xml:"line,attr"`
	Failures []junitFailure `xml:"failure"`
	Error    *junitFailure  `xml:"error"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as JUnit XML, for CI systems: a suite for each file. Each finding, which
// kept tests from running, is an error.
func (r *Report) JUnit(w io.Writer) error {
	all := junitSuites{Name: "maskgate rules test", Tests: r.Passed + r.Failed + len(r.Findings),
		Failures: r.Failed, Errors: len(r.Findings)}
	var suite *junitSuite
	suiteOf := func(file string) *junitSuite {
		if suite == nil || suite.Name != file {
			suite = &junitSuite{Name: file}
			all.Suites = append(all.Suites, suite)
		}
		return suite
	}
	for _, f := range r.Findings {
		suite := suiteOf(f.File)
		suite.Tests++
		suite.Errors++
		at := fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
		suite.Cases = append(suite.Cases, junitCase{
			Name: at, Class: f.File, File: f.File, Line: strconv.Itoa(f.Line),
			Error: &junitFailure{f.Message, at + ": " + f.Message + "\n"},
		})
	}
	for _, t := range r.Results {
		suite := suiteOf(t.File)
		c := junitCase{Name: t.Name, Class: t.File, File: t.File,
			Line: t.At[strings.LastIndexByte(t.At, ':')+1:]}
		for _, f := range t.Failures {
			text := f.At + ": " + f.Message + "\n"
			for _, d := range f.Differences {
				text += d.Path + "\n  want " + orNothing(d.Want) + "\n  have " + orNothing(d.Have) +
					"\n"
			}
			c.Failures = append(c.Failures, junitFailure{f.Message, text})
		}
		suite.Tests++
		if c.Failures != nil {
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
