package command

import (
	"io"
	"os"
)

// palette colours text for a terminal; the zero palette leaves it as it is.
type palette struct{ on bool }

// colours returns the palette for a command's output. It has colours only for a terminal, and not
// where NO_COLOR is set (no-color.org) or the terminal is a dumb one.
func colours(out io.Writer) palette {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return palette{}
	}
	info, err := file.Stat()
	return palette{err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (p palette) red(text string) string    { return p.paint("31", text) }
func (p palette) green(text string) string  { return p.paint("32", text) }
func (p palette) yellow(text string) string { return p.paint("33", text) }

func (p palette) paint(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
