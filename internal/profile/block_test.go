package profile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

const vaultAddress = "https://vault.example.com:8200"

func roles(names ...string) []credentials.Role {
	var all []credentials.Role
	for _, name := range names {
		path, err := parseRole(name)
		if err != nil {
			panic(err)
		}
		mount := path.mount
		if mount == "" {
			mount = "aws"
		}
		all = append(all, credentials.Role{Mount: mount, Name: path.role, Static: path.endpoint != ""})
	}
	return all
}

func wishes(add ...string) *Wishes {
	return &Wishes{Address: vaultAddress, Add: roles(add...), Offered: roles(add...), Command: "vaws"}
}

func noKeys(string) (string, bool) { return "", false }

func block(t testing.TB, data string) *Block {
	t.Helper()
	b, err := ParseBlock("config", []byte(data), true)
	if err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return b
}

func update(t testing.TB, data string, w *Wishes) string {
	t.Helper()
	return string(block(t, data).Update(w, noKeys).Data)
}

func TestBlockIsWrittenAtTheEnd(t *testing.T) {
	w := wishes("ec2-admin", "team/aws/s3", "aws/static-creds/ci")
	w.Region, w.Namespace, w.Trust.CACert = "eu-west-1", "ns1", "/etc/ca.pem"
	got := update(t, "[default]\nregion = us-east-1\n", w)
	const rest = "vaws_address = https://vault.example.com:8200\nvaws_namespace = ns1\nvaws_ca_cert = /etc/ca.pem\nregion = eu-west-1\n\n"
	want := "[default]\nregion = us-east-1\n\n" + blockBegin + "\n" + blockAbout + "\n" +
		"[profile ec2-admin]\ncredential_process = vaws credential-process ec2-admin\n" + rest +
		"[profile s3]\ncredential_process = vaws credential-process s3\nvaws_mount = team/aws\n" + rest +
		"[profile ci]\ncredential_process = vaws credential-process ci\nvaws_endpoint = static-creds\n" + rest +
		blockEnd + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What it writes is what Resolve finds, whatever the environment says.
func TestBlockIsWhatResolveFinds(t *testing.T) {
	for _, before := range []string{"", "[vaws]\nvaws_address = https://other.example.com\nvaws_mount = engine\nvaws_namespace = theirs\n",
		"[vaws]\nvaws_address = https://VAULT.example.com:8200/\nvaws_namespace = ns1\n", "[vaws]\nvaws_mount = team/aws\n",
		"[vaws]\nvaws_endpoint = static-creds\n", "[vaws]\nvaws_endpoint = creds\n",
		"[vaws]\nvaws_ca_cert = /etc/ca#1.pem\nvaws_client_cert = /etc/my cert.pem\nvaws_client_key = /etc/other.pem\n",
		"[vaws]\nvaws_address = https://other\nvaws_ca_cert = /etc/ca#1.pem\n"} {
		w := wishes("ec2-admin", "team/aws/s3", "x/ec2-admin", "aws/static-creds/ci", "default")
		w.Namespace, w.Trust = "ns1", Trust{"/etc/ca#1.pem", "/etc/my cert.pem", "/etc/key.pem"}
		c := block(t, before).Update(w, noKeys)
		for i, name := range c.Names {
			got, err := Resolve(query(t, string(c.Data), name, nil))
			r := got.Request
			role := credentials.Role{Mount: r.Mount, Name: r.Role, Static: r.Endpoint == credentials.EndpointStaticCreds}
			if err != nil || role != w.Add[i] || r.Address != vaultAddress || r.Namespace != "ns1" ||
				got.TLS != (TLS{CACert: w.Trust.CACert, ClientCert: w.Trust.ClientCert, ClientKey: w.Trust.ClientKey}) {
				t.Errorf("%s with %q: %+v, %v", name, before, r, err)
			}
		}
		if again := reread(t, c.Data).Update(w, noKeys); !bytes.Equal(again.Data, c.Data) {
			t.Errorf("with %q, adding again: %q to %q", before, c.Data, again.Data)
		}
	}
}

func TestCanHold(t *testing.T) {
	for value, want := range map[string]bool{
		"/etc/ca.pem": true, "/my ca#1;2.pem": true, "a = b": true, "/my #1/ca": false, "/my ;1/ca": false,
		" /ca": false, "/ca ": false, "/c\na": false, "/c\xffa": false,
	} {
		if CanHold(value) != want {
			t.Errorf("%q", value)
		}
	}
}

func TestNamesOfNewProfiles(t *testing.T) {
	for _, c := range []struct{ before, roles, names string }{
		{"", "a b", "a b"},
		{"", "aws/a prod/a b", "aws-a prod-a b"},
		{"", "team/aws/a x:y/a", "team-aws-a x-y-a"},
		{"", "default", "aws-default"},
		{"", "aws/a aws/static-creds/a", "a aws-a"},
		{"[profile a]\nregion=x\n", "a b", " b"},
		{"[profile \"a\"]\n", "a", ""},
		{"[default]\n", "default", "aws-default"},
		{"[a]\n", "a", "a"}, // no profile
		// what is in the block keeps its name, and gives it to nobody else
		{"B[profile mine]\nvaws_role = a\nB", "a b", "mine b"},
		{"B[profile a]\nvaws_mount = prod\nB", "a prod/a", "aws-a a"},
		{"B[profile a]\nvaws_address = https://other\nB", "a", "aws-a"},
		{"B[profile a]\nvaws_namespace = ns\nB", "a", "aws-a"},
		{"B[profile a]\nvaws_address = HTTPS://vault.example.com:8200/\nB", "a", "a"},
		{"B[profile a]\nvaws_role = aws/a\nB", "a", "a"},
		{"B[profile a]\nvaws_role = b\n[profile aws-a]\nvaws_role = c\nB", "a", ""},
		{"B[profile a]\nregion = x\nB[profile a]\n", "a", ""},
	} {
		before := strings.Replace(c.before, "B", blockBegin+"\n", 1)
		before = strings.Replace(before, "B", blockEnd+"\n", 1)
		w := wishes(strings.Fields(c.roles)...)
		change := block(t, before).Update(w, noKeys)
		if got := strings.Join(change.Names, " "); got != c.names {
			t.Errorf("%q with %s: %q (%v), want %q", c.before, c.roles, got, change.Left, c.names)
		}
		left := 0
		for _, name := range change.Names {
			if name == "" {
				left++
			}
		}
		if left != len(change.Left) {
			t.Errorf("%q: left out %v", c.before, change.Left)
		}
	}
}

func TestKeysInTheCredentialsFileGoBefore(t *testing.T) {
	c := block(t, "").Update(wishes("a", "b"), func(name string) (string, bool) { return "credentials:7", name == "a" })
	if fmt.Sprintf("%q", c.Names) != `["" "b"]` || len(c.Left) != 1 || !strings.Contains(c.Left[0].Error(), "credentials:7") {
		t.Errorf("names %q, left out %v", c.Names, c.Left)
	}
}

func TestWhatSomebodyHasAddedStays(t *testing.T) {
	first := update(t, "", wishes("a", "b"))
	edited := strings.Replace(first, "[profile a]\n", "[profile a]\n# mine\nregion = eu-west-1\n", 1)
	if got := update(t, edited, wishes("a")); got != edited {
		t.Errorf("changed to\n%s", got)
	}
	w := wishes("a")
	w.Region = "us-east-1"
	if got, want := update(t, edited, w), strings.Replace(edited, "eu-west-1", "us-east-1", 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	wrong := strings.Replace(first, "process a\n", "process c\n  more\n", 1)
	if got := update(t, wrong, wishes("a")); got != first {
		t.Errorf("not mended:\n%s", got)
	}
}

func TestDroppedProfilesGo(t *testing.T) {
	first := update(t, "x = 1", wishes("a", "b"))
	w := wishes("b")
	w.Drop = roles("a")
	if got := update(t, first, w); strings.Contains(got, "[profile a]") || !strings.Contains(got, "[profile b]") {
		t.Errorf("got\n%s", got)
	}
	w = wishes()
	w.Drop = roles("a", "b")
	if got := update(t, first, w); got != "x = 1" {
		t.Errorf("the empty block stays: %q", got)
	}
}

// The AWS CLI writes options of the last section after the block.
func TestOptionsAfterTheBlockBelongToItsLastProfile(t *testing.T) {
	const before = "[default]\nregion = us-east-1\n"
	first := update(t, before, wishes("a", "b"))
	for _, after := range []string{"region = x\n", "# c\nregion = x", "\nregion = x\n[profile q]\nregion = y\n"} {
		strayed := first + after
		got := update(t, strayed, wishes("a"))
		if strings.Index(got, "region = x\n") > strings.Index(got, blockEnd) {
			t.Errorf("%q: not in the block:\n%s", after, got)
		}
		if again := update(t, got, wishes("a")); again != got {
			t.Errorf("%q: changed again to\n%s", after, again)
		}
		want := before + strings.Replace(strings.TrimSuffix(after, "\n")+"\n", "region = x\n", "", 1)
		for _, data := range []string{strayed, got} {
			if rest := string(block(t, data).Removed()); strings.TrimSpace(rest) != strings.TrimSpace(want) {
				t.Errorf("%q: what remains is %q, not %q", after, rest, want)
			}
		}
	}
}

func TestAnEmptyBlockCutsNoSection(t *testing.T) {
	const data = "[default]\n" + blockBegin + "\n" + blockEnd + "\nregion = x\n"
	got := update(t, data, wishes("a"))
	if !strings.HasPrefix(got, "[default]\nregion = x\n\n"+blockBegin) {
		t.Errorf("got\n%s", got)
	}
}

func TestDamagedBlocksAreRefused(t *testing.T) {
	for data, want := range map[string]string{
		"a = 1\n" + blockBegin + "\n[profile a]\n":                                        "config:2: vaws configure's block has no end",
		"[profile a]\n" + blockEnd + "\n":                                                 "config:2: vaws configure's block ends without",
		blockEnd + "\n" + blockBegin + "\n":                                               "config:1: vaws configure's block ends without",
		strings.Repeat(blockBegin+"\n"+blockEnd+"\n", 2):                                  "config:3: vaws configure's block begins a second time",
		blockBegin + "\n" + blockBegin + "\n" + blockEnd + "\n":                           "config:2: vaws configure's block begins a second time",
		blockBegin + "\n" + blockEnd + "\r\n  " + blockEnd + " \n":                        "config:3: vaws configure's block ends without",
		blockBegin + "\n[profile a]\nx = 1\n[profile b]\n[profile a]\n" + blockEnd + "\n": "config:5: a second section of the profile \"a\"",
		"[profile a\n":          "config:1: a section without its closing bracket",
		"[\x00p\x00":            "config is no text in UTF-8",
		"\xff\xfe[\x00p\x00]\n": "config is no text in UTF-8",
	} {
		_, err := ParseBlock("config", []byte(data), true)
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(hint.Of(err)) == 0 {
			t.Errorf("%q: %v, hints %q", data, err, hint.Of(err))
		}
	}
}

func TestFaultsAreTold(t *testing.T) {
	b := block(t, "[profile a]\n[profile b]\n[profile a]\nregion = x\n")
	if told := b.Faults(); len(told) != 1 || !strings.HasPrefix(told[0].Error(), `config:3: a second section of the profile "a"`) {
		t.Errorf("told %v", told)
	}
	if told := block(t, "\uFEFF[default]\n").Faults(); len(told) != 1 || !strings.HasPrefix(told[0].Error(), "config:1: a byte-order mark") {
		t.Errorf("told %v", told)
	}
	if got := string(b.Update(wishes("b", "c"), noKeys).Data); !strings.HasPrefix(got, "[profile a]\n[profile b]\n[profile a]\nregion = x\n\n") {
		t.Errorf("got\n%s", got)
	}
}

// oddConfig makes a config of pieces as files have them, and as none should.
func oddConfig(r *rand.Rand) string {
	pieces := []string{
		"[default]", "[profile a]", "[profile \"b c\"]", "[vaws]", "[sso-session s]", "region = eu-west-1", "  nested = 1", "s3 =",
		"vaws_endpoint = static-creds", "vaws_mount = engine", "# a comment", "; another", "", "   ", "\t", "credential_process = vaws credential-process a", "key=\"quoted ; text\"",
		"ünïcode = ☃", "no option", "a = b \\", "[profile x.y]", "role_arn: arn:aws:iam::1:role/x", "latin \xff\xfe", "# >>> conda >>>",
	}
	eols := []string{"\n", "\r\n", "\n", "\r\r\n"}
	var text strings.Builder
	if r.IntN(6) == 0 {
		text.WriteString("\uFEFF")
	}
	eol := eols[r.IntN(len(eols))]
	for range r.IntN(12) {
		text.WriteString(pieces[r.IntN(len(pieces))])
		if r.IntN(8) == 0 {
			text.WriteString(eols[r.IntN(len(eols))])
		} else {
			text.WriteString(eol)
		}
	}
	if r.IntN(3) == 0 {
		text.WriteString(pieces[r.IntN(len(pieces))])
	}
	return text.String()
}

// checkBlock holds what the block promises for any config: it can be taken out again, adding
// twice is adding once, and what is outside stays.
func checkBlock(t *testing.T, before []byte, exists bool) {
	b, err := ParseBlock("config", before, exists)
	if err != nil || len(b.opening) > 0 || b.misplaced {
		return
	}
	first := b.Update(wishes("r1", "prod/r2"), noKeys)
	with := reread(t, first.Data)
	if first.Names[0] != "" && !bytes.HasPrefix(first.Data, before) {
		t.Fatalf("what was there has changed: %q to %q", before, first.Data)
	}
	if got := with.Removed(); !bytes.Equal(got, before) || (got == nil) != (!exists && len(before) == 0) {
		t.Fatalf("%q comes back as %q", before, got)
	}
	if again := reread(t, first.Data).Update(wishes("prod/r2", "r1"), noKeys); !bytes.Equal(again.Data, first.Data) {
		t.Fatalf("adding again: %q to %q", first.Data, again.Data)
	}
	more := reread(t, first.Data).Update(wishes("r1", "r3"), noKeys)
	if got := reread(t, more.Data).Removed(); !bytes.Equal(got, before) {
		t.Fatalf("after another: %q comes back as %q", before, got)
	}
	const after = "[profile later]\nregion = x"
	appended := reread(t, append(bytes.Clone(more.Data), after...))
	want := append(bytes.Clone(before), after...)
	if got := appended.Removed(); !bytes.Equal(got, want) && !bytes.HasSuffix(got, []byte("\n"+after)) {
		t.Fatalf("with text after it: %q comes back as %q", want, got)
	}
	if got := appended.Update(wishes("r4"), noKeys); !bytes.HasSuffix(got.Data, []byte(after)) || !bytes.HasPrefix(got.Data, before) {
		t.Fatalf("with text after it: %q", got.Data)
	}
}

func reread(t *testing.T, data []byte) *Block {
	t.Helper()
	b, err := ParseBlock("config", data, true)
	if err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return b
}

func TestBlockCanAlwaysBeTakenOut(t *testing.T) {
	for _, c := range []string{"", "x", "\n", "\n\n", "x\n", "x\r\n", "x\r", "\uFEFF", "\r\n", "[profile a]", "x\ny\r\n", "x\r\ny\n", " ", "x\n\n\n"} {
		checkBlock(t, []byte(c), true)
	}
	checkBlock(t, nil, false)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		checkBlock(t, []byte(oddConfig(r)), true)
	}
}

// checkAnyBlock holds what the block promises after it has been edited by hand: what is
// outside stays, and a second call has nothing to change.
func checkAnyBlock(t *testing.T, data []byte) {
	b, err := ParseBlock("config", data, true)
	if err != nil {
		return
	}
	before, after, removed := bytes.Clone(b.before), b.after, b.Removed()
	if _, err := ParseBlock("config", removed, true); err != nil {
		t.Fatalf("%q becomes %q: %v", data, removed, err)
	}
	first := b.Update(wishes("r1", "prod/r2"), noKeys)
	if !bytes.HasPrefix(first.Data, before) && len(b.opening) > 0 && !bytes.Equal(first.Data, removed) || !bytes.HasSuffix(first.Data, after) {
		t.Fatalf("%q becomes %q", data, first.Data)
	}
	if again := reread(t, first.Data).Update(wishes("r1", "prod/r2"), noKeys); !bytes.Equal(first.Data, again.Data) {
		t.Fatalf("%q becomes %q, then %q", data, first.Data, again.Data)
	}
}

func TestEditedBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2_000 {
		checkAnyBlock(t, edited(r))
	}
}

// edited is a config with a block into which somebody has written other lines.
func edited(r *rand.Rand) []byte {
	b, err := ParseBlock("config", []byte(oddConfig(r)), true)
	if err != nil {
		panic(err)
	}
	lines := bytes.SplitAfter(b.Update(wishes("r1", "aws/r3"), noKeys).Data, []byte("\n"))
	for range 1 + r.IntN(3) {
		at := r.IntN(len(lines))
		lines[at] = append([]byte(oddConfig(r)), lines[at]...)
	}
	return bytes.Join(lines, nil)
}

func FuzzBlock(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add([]byte(oddConfig(r)))
		f.Add(edited(r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkBlock(t, data, true)
		checkAnyBlock(t, data)
	})
}

func TestManyProfiles(t *testing.T) {
	before := manyProfiles(2000)
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("new-%d", i))
	}
	began := time.Now()
	data := update(t, before, wishes(names...))
	t.Logf("2,000 profiles more took %s", time.Since(began))
	if !strings.HasPrefix(data, before) || strings.Count(data, "[profile ") != 4000 {
		t.Error("what was there has changed")
	}
	if got := string(block(t, data).Removed()); got != before {
		t.Error("it does not come back")
	}
}

// manyProfiles is a config of n profiles with comments.
func manyProfiles(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "# profile number %d; keep it\n[profile p%d]\nregion=eu-west-1   # where it is\n\tcontinued\nrole_arn = arn:aws:iam::111122223333:role/r%d\nsource_profile = default\n\n", i, i, i)
	}
	return text.String()
}
