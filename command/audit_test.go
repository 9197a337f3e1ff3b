package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maskgate/maskgate/audit"
	"github.com/maskgate/maskgate/keys"
)

// events returns records of all events, an hour apart. The second access is about the subject.
func events(subject string) []audit.Record {
	at := func(hour int) time.Time { return time.Date(2026, 11, 21, hour, 30, 15, 500, time.UTC) }
	return []audit.Record{
		{Time: at(1), Event: audit.EventStart, Gateway: "test", Version: "v1"},
		{Time: at(2), Event: audit.EventRules, Gateway: "test", Version: "v1",
			RulesDigest: "sha256:new", Note: "2 routes in force",
			RulesChange: &audit.RulesChange{RuleFiles: []audit.RuleFile{
				{Name: "policy.yaml", SHA256: "77e0", Owner: "security", Reviewer: "r<>&",
					Justification: "first"},
				{Name: "customer.yaml", SHA256: "9b1d"},
			}}},
		{Time: at(3), Event: audit.EventAccess, Access: &audit.Access{
			ID: "id-3", Decision: audit.Refused, Reason: "invalid_token", Status: 401,
			Method: "GET",
		}},
		{Time: at(4), Event: audit.EventAccess, RulesDigest: "sha256:0123456789abcdef",
			Access: &audit.Access{
				ID: "id-4", Decision: audit.Released, Status: 200, Records: 3,
				Method: "GET", Route: "GET /v1/people",
				Caller: &audit.Caller{
					ID: "agent-07", Roles: []string{"agent", "clerk"}, Address: "10.0.0.7",
				},
				Purpose: "care", Basis: "contract",
				Profiles: []audit.Profile{
					{Kind: "$.items[*]", Subjects: []string{subject}, Fields: []audit.Field{
						{
							Path: "$.name", Type: "person_name", Treatment: "mask", Count: 2,
							Rule: "policy.yaml:7",
						},
						{
							Path: "$.pin", Type: "pin", Treatment: "drop", Count: 2, Withheld: 1,
							Reason: "not_permitted",
						},
					}},
					{Kind: "$.items[*]", Subjects: []string{"s1:somebody-else", "s1:a-third"}},
				}}},
		{Time: at(5), Event: audit.EventStop, Gateway: "test", Version: "v1"},
	}
}

// dataDirectory makes a data directory with these events in its log.
func dataDirectory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d, err := keys.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := d.Keys().Subject()
	appendLog(t, dir, 0, events(audit.Subject(key.Secret, key.Version, "C1"))...)
	return dir
}

func segment(dir string) string {
	return filepath.Join(keys.AuditDir(dir), strings.Repeat("0", 20)+".jsonl")
}

func TestAuditSearch(t *testing.T) {
	t.Parallel()
	dir := dataDirectory(t)
	local := func(hour int) string {
		return time.Date(2026, 11, 21, hour, 30, 15, 0, time.UTC).Local().Format(time.RFC3339)
	}
	refused := "#2  " + local(3) + "  refused (invalid_token), status 401  GET, no route\n" +
		"    purpose  none, basis none; 0 records; rules ; id id-3\n"
	head := "#3  " + local(4) + "  released, status 200  GET /v1/people\n" +
		"    caller   agent-07, roles agent clerk, from 10.0.0.7\n" +
		"    purpose  care, basis contract; 3 records; rules sha256:0123456789ab; id id-4\n" +
		"    $.items[*], about 1 subject\n" +
		"      $.name  person_name     2×  mask  policy.yaml:7\n" +
		"      $.pin   pin             2×  drop  not_permitted  (1 did not fit and were dropped)\n"
	released := head + "    $.items[*], about 2 subjects\n"
	rules := "#1  " + local(2) + "  rules  gateway test, version v1\n" +
		"    rules    sha256:new, 2 routes in force\n" +
		"    before   none, since the start\n" +
		"      policy.yaml              sha256:77e0\n" +
		"                               owner security, reviewer r<>&, because: first\n" +
		"      customer.yaml            sha256:9b1d\n" +
		strings.Repeat(" ", 31) + "owner not stated, reviewer not stated, because: not stated\n"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"accesses", nil, refused + released},
		{"a subject sees only what was theirs", []string{"--subject=C1"}, head},
		{"no such subject", []string{"--subject=C2"}, ""},
		{"caller", []string{"--caller=agent-07"}, released},
		{"purpose", []string{"--purpose=care"}, released},
		{"identifier", []string{"--id=id-3"}, refused},
		{"rules", []string{"--event=rules"}, rules},
		{"start", []string{"--event=start"}, "#0  " + local(1) +
			"  start  gateway test, version v1\n"},
		{"stop", []string{"--event=stop"}, "#4  " + local(5) +
			"  stop  gateway test, version v1\n"},
		{"since the time that is printed", []string{"--since=" + local(4)}, released},
		{"until the time that is printed", []string{"--until=" + local(4)}, refused},
		{"since a date", []string{"--since=2026-11-19", "--id=id-3"}, refused},
		{"until long ago", []string{"--until=36500d"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, errs, err := run(t, "",
				append([]string{"audit", "search", "--data=" + dir}, tt.args...)...)
			note := ""
			if tt.want == "" {
				note = "no record matches\n"
			}
			if out != tt.want || errs != note || err != nil {
				t.Errorf("audit search %q = %q, %q, %v, want\n%s%s", tt.args, out, errs, err,
					tt.want, note)
			}
		})
	}
}

// What search prints for machines are lines of the log, which have their number.
func TestAuditSearchJSON(t *testing.T) {
	t.Parallel()
	dir := dataDirectory(t)
	log, err := os.ReadFile(segment(dir))
	if err != nil {
		t.Fatal(err)
	}
	for event, prefixes := range map[string][]string{
		"start":  {`{"seq":0,`},
		"rules":  {`{"seq":1,`},
		"access": {`{"seq":2,`, `{"seq":3,`},
		"stop":   {`{"seq":4,`},
	} {
		out, _, err := run(t, "", "audit", "search", "--data="+dir, "--json", "--event="+event)
		lines := strings.SplitAfter(out, "\n")
		if err != nil || len(lines) != len(prefixes)+1 {
			t.Errorf("--event=%s: %v\n%s", event, err, out)
			continue
		}
		for i, prefix := range prefixes {
			if !strings.HasPrefix(lines[i], prefix) || !bytes.Contains(log, []byte("\n"+lines[i])) {
				t.Errorf("--event=%s: %s, which is not the line of the log that begins with %s",
					event, lines[i], prefix)
			}
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"":                     {},
		"2h":                   now.Add(-2 * time.Hour),
		"1d":                   now.Add(-24 * time.Hour),
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-21T00:00:00Z": time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := moment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("moment(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	dir, other := dataDirectory(t), dataDirectory(t)
	printed, _, err := run(t, "", "audit", "verify", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := run(t, "", "audit", "key", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	appendLogOf(t, elsewhere, "elsewhere", 0, audit.Record{Event: audit.EventStart})
	foreign, _, err := run(t, "", "audit", "verify", "--data", elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	foreignKey, _, err := run(t, "", "audit", "key", "--data", elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	appendLog(t, dir, 0, audit.Record{Event: audit.EventStart})
	later, _, err := run(t, "", "audit", "verify", "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	files := write(t, map[string]string{
		"printed":    printed,
		"later":      later,
		"foreign":    foreign,
		"checkpoint": strings.TrimPrefix(printed, strings.SplitAfter(printed, "\n")[0]),
		"text":       "nothing of the kind\n",
	})

	// Logs that are not whole, each in a directory that has the key file of the first.
	damaged := t.TempDir()
	for name, change := range map[string]func([]byte) []byte{
		"torn": func(log []byte) []byte { return append(log, `{"seq":6,"ti`...) },
		"altered": func(log []byte) []byte {
			return bytes.Replace(log, []byte(`"released"`), []byte(`"refused!"`), 1)
		},
		"cut": func(log []byte) []byte {
			return log[:bytes.LastIndex(log, []byte(`{"seq":5,`))]
		},
		"foreign": func([]byte) []byte { return readFile(t, segment(other)) },
	} {
		to := filepath.Join(damaged, name)
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(to, "keys.json"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segment(to), change(readFile(t, segment(to))), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	const sound = "6 records under 6 checkpoints in 1 segment file: verified\nmaskgate/test\n6\n"
	for _, c := range []call{
		{"sound", "audit verify --data DIR", "", 0, []string{sound}, nil},
		{"with what it printed", "audit verify --data DIR --checkpoint FILES/printed", "", 0,
			[]string{sound}, nil},
		{"with the checkpoint alone", "audit verify --data DIR --checkpoint FILES/checkpoint", "",
			0, []string{sound}, nil},
		{"with its key", "audit verify --data DIR --key " + key, "", 0, []string{sound}, nil},
		{"with its key among others", "audit verify --data DIR --key " + foreignKey + " --key " +
			key, "", 0, []string{sound}, nil},

		{"altered", "audit verify --data DAMAGED/altered", "", 1, nil, []string{"corrupt"}},
		{"cut off", "audit verify --data DAMAGED/cut", "", 0, []string{"5 records"}, nil},
		{"cut off, as a checkpoint tells",
			"audit verify --data DAMAGED/cut --checkpoint FILES/later", "", 1, nil,
			[]string{"records were cut off"}},
		{"torn", "audit verify --data DAMAGED/torn", "", 3, []string{sound,
			"12 bytes behind them, in 00000000000000000000.jsonl, are not committed\n"}, nil},

		{"a key that is not known", "audit verify --data DAMAGED/foreign", "", 1, nil,
			[]string{"signed by a key that is not known"}},
		{"another key", "audit verify --data DIR --key " + foreignKey, "", 1, nil,
			[]string{"signed by a key that is not known"}},
		{"a checkpoint of another log", "audit verify --data DIR --key " + key + " --key " +
			foreignKey + " --checkpoint FILES/foreign", "", 1, nil,
			[]string{`access log is that of "maskgate/test", not of "maskgate/elsewhere"`}},
		{"no checkpoint", "audit verify --data DIR --checkpoint FILES/text", "", 2, nil,
			[]string{"maskgate: reading the checkpoint in FILES/text: no signed checkpoint " +
				"stands in the text"}},
		{"no file", "audit verify --data DIR --checkpoint FILES/none", "", 2, nil,
			[]string{"maskgate: reading the checkpoint: ", "no such file"}},
		{"no key", "audit verify --data DIR --key x", "", 2, nil,
			[]string{"maskgate: reading --key: ", "usage: "}},
		{"no number", "audit verify --data DIR --pruned-before x", "", 2, nil,
			[]string{"invalid argument", "usage: "}},
		{"no directory", "audit verify --data FILES", "", 2, nil,
			[]string{"want the gateway's data directory"}},

		{"search in an altered log", "audit search --data DAMAGED/altered", "", 1, nil,
			[]string{"corrupt"}},
		{"search under a key that is not known", "audit search --data DAMAGED/foreign", "", 1, nil,
			[]string{"signed by a key that is not known"}},
		{"search in no directory", "audit search --data FILES", "", 2, nil,
			[]string{"want the gateway's data directory"}},
		{"search since nonsense", "audit search --data DIR --since yesterday", "", 2, nil,
			[]string{"maskgate: --since: want a duration as in 24h", "usage: "}},
		{"search until nonsense", "audit search --data DIR --until -1h", "", 2, nil,
			[]string{"maskgate: --until: want a duration as in 24h", "usage: "}},
		{"search until no number of days", "audit search --data DIR --until xd", "", 2, nil,
			[]string{"maskgate: --until: want a duration as in 24h", "usage: "}},
		{"search for no event", "audit search --data DIR --event rule", "", 2, nil,
			[]string{"maskgate: --event: want access, rules, start or stop; have \"rule\"",
				"usage: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			names := strings.NewReplacer("FILES", files, "DAMAGED", damaged)
			c.args = names.Replace(c.args)
			for i := range c.errs {
				c.errs[i] = names.Replace(c.errs[i])
			}
			c.check(t, dir)
		})
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A key bears the name that the log has, and no other: a verifier that is given it must find it in
// the checkpoints.
func TestAuditKey(t *testing.T) {
	t.Parallel()
	dir := dataDirectory(t)
	if _, err := keys.Rotate(filepath.Join(dir, "keys.json")); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if _, err := keys.OpenDirectory(empty); err != nil {
		t.Fatal(err)
	}
	corrupt := dataDirectory(t)
	if err := os.WriteFile(segment(corrupt), []byte("x\ny\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []call{
		{"the log's", "audit key --data " + dir, "", 0,
			[]string{"maskgate/test+", "\nmaskgate/test+"}, nil},
		{"the log's, named", "audit key --gateway test --data " + dir, "", 0,
			[]string{"maskgate/test+", "\nmaskgate/test+"}, nil},
		{"another's", "audit key --gateway other --data " + dir, "", 2, nil,
			[]string{`maskgate: --gateway: the log is that of "maskgate/test", `, "\nusage: "}},
		{"no log yet", "audit key --data " + empty, "", 2, nil,
			[]string{"maskgate: the log does not say its name yet: want --gateway"}},
		{"no log yet, named", "audit key --gateway new --data " + empty, "", 0,
			[]string{"maskgate/new+"}, nil},
		{"a corrupt log", "audit key --data " + corrupt, "", 1, nil, []string{"corrupt"}},
		{"no directory", "audit key --data DIR", "", 2, nil,
			[]string{"want the gateway's data directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(t, t.TempDir())
		})
	}
}

// A log whose oldest segments were removed verifies if that is allowed, and only then. What is
// there is counted, and what is not is said.
func TestPruned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	appendLog(t, dir, 0, audit.Record{Event: audit.EventStart},
		audit.Record{Event: audit.EventStop})
	released := audit.Record{
		Event: audit.EventAccess, Access: &audit.Access{Decision: audit.Released, Status: 200,
			Route: "GET /v1/people"},
	}
	appendLog(t, dir, 1, released, released, released)
	if err := os.Remove(segment(dir)); err != nil {
		t.Fatal(err)
	}
	all(t, nil, []call{
		{"verify", "audit verify --data " + dir, "", 1, nil,
			[]string{"a segment that begins with record 0 should stand before it"}},
		{"search", "audit search --data " + dir, "", 1, nil,
			[]string{"a segment that begins with record 0 should stand before it"}},
		{"verify what is there", "audit verify --pruned-before 2 --data " + dir, "", 0, []string{
			"3 records under 3 checkpoints in 3 segment files: verified\n" +
				"2 records before them: removed, and not verified\n" +
				"maskgate/test\n5\n"}, nil},
		{"search what is there", "audit search --pruned-before 2 --data " + dir, "", 0,
			[]string{"#2  ", "#3  ", "#4  "}, nil},
		{"key", "audit key --data " + dir, "", 0, []string{"maskgate/test+"}, nil},
	})
}

// appendLog appends records to the access log of a data directory of the gateway test, in segments
// of a size.
func appendLog(t *testing.T, dir string, segmentSize int64, records ...audit.Record) {
	t.Helper()
	appendLogOf(t, dir, "test", segmentSize, records...)
}

func appendLogOf(t *testing.T, dir, gateway string, segmentSize int64, records ...audit.Record) {
	t.Helper()
	origin := keys.Origin(gateway)
	set, err := keys.Open(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := set.Signer(origin)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(audit.Options{
		Dir: keys.AuditDir(dir), Origin: origin, Signer: signer, Verifiers: set,
		SegmentSize: segmentSize,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if _, err := log.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
