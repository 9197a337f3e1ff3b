package audit

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFindCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	sum := makeLog(t, dir)
	good := sum.Checkpoint
	lines := strings.SplitAfter(good, "\n")
	extended := strings.Replace(good, "\n\n", "\nan extension\n\n", 1)
	const (
		before  = "15 records under 8 checkpoints in 3 segment files: verified\n"
		after   = "12 bytes behind them, in 0.jsonl, are not committed\n"
		witness = "— witness.example/w AAAAAAAA\n"
	)
	text := strings.Join(lines[:4], "") // with the empty line
	tests := []struct {
		name, input string
		want        string // empty: an error
	}{
		{"alone", good, good},
		{"printed", before + good, good},
		{"printed, with a tail", before + good + after, good},
		{"empty lines around it", "\n\n" + before + "\n" + good + "\n" + after, good},
		{"the origin before it", lines[0] + good, good},
		{"a number before it", lines[0] + "15\n" + good, good},
		{"cosigned", before + good + witness + after, good + witness},
		{"cosigned, the witness first", text + witness + lines[4], text + witness + lines[4]},
		{"with an extension", before + extended, extended},
		{"empty", "", ""},
		{"other text", before + after, ""},
		{"two", good + good, ""},
		{"two, lines between", before + good + before + good, ""},
		{"no last newline", strings.TrimSuffix(good, "\n"), ""},
		{"carriage returns", strings.ReplaceAll(good, "\n", "\r\n"), ""},
		{"indented", "  " + strings.ReplaceAll(good, "\n", "\n  "), ""},
		{"no signature", text, ""},
		{"no empty line", strings.Replace(good, "\n\n", "\n", 1), ""},
		{"two empty lines", strings.Replace(good, "\n\n", "\n\n\n", 1), ""},
		{"no root", lines[0] + lines[1] + strings.Join(lines[3:], ""), ""},
		{"no size", lines[0] + strings.Join(lines[2:], ""), ""},
		{"no origin", strings.Join(lines[1:], ""), ""},
		{"another origin", "x" + good, ""},
		{"a size with a zero before it", strings.Replace(good, "\n15\n", "\n015\n", 1), ""},
		{"a size below zero", strings.Replace(good, "\n15\n", "\n-15\n", 1), ""},
		{"a root cut short", strings.Replace(good, "=\n", "\n", 1), ""},
	}
	for _, tt := range tests {
		got, err := FindCheckpoint(tt.input)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: FindCheckpoint(%q) = %q, %v, want %q",
				tt.name, tt.input, got, err, tt.want)
		}
	}
	if _, err := Verify(dir, testVerifiers(t), Contains(good)); err != nil {
		t.Errorf("Verify with the checkpoint that was found = %v", err)
	}
}
