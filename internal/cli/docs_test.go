package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"vaws/internal/profile"
)

// What the pages say is held against the program here; what they show, in
// internal/lab.

const docsRoot = "../.."

// docPages are README.md, SECURITY.md and docs/*.md, by their path from the root.
func docPages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(docsRoot + "/docs/*.md")
	if err != nil || len(paths) < 5 {
		t.Fatalf("pages: %q, %v", paths, err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, docsRoot+"/README.md", docsRoot+"/SECURITY.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(docsRoot, path)
		texts[filepath.ToSlash(name)] = string(text)
	}
	return texts
}

// wholeParser is the parser of the whole command line, which neither prints nor exits.
func wholeParser(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&grammar{}, kong.Name("vaws"), kong.Exit(func(int) {}),
		kong.Writers(new(strings.Builder), new(strings.Builder)),
		kong.Vars{"shells": shellNames(), "methods": methodNames()})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// codeSpan is what a line of a page has between back quotes.
var codeSpan = regexp.MustCompile("`([^`]+)`")

func codeSpans(text string) []string {
	var spans []string
	for _, match := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, match[1])
	}
	return spans
}

// tableRows are the cells of the tables in the section of a page that begins with the
// heading, without the tables' first two lines.
func tableRows(page, heading string) [][]string {
	_, section, _ := strings.Cut(page, "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var found [][]string
	inTable := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			inTable = 0
			continue
		}
		if inTable++; inTable <= 2 {
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "|\n "), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		if strings.HasPrefix(line, "| |") { // Trim has taken empty first cells
			cells = append(make([]string, strings.Count(leadingBars(line), "|")-1), cells...)
		}
		found = append(found, cells)
	}
	return found
}

// leadingBars is the bars and blanks that a line begins with.
func leadingBars(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, "| "))]
}

// grammarFlags are the flags of the grammar, as "command --flag".
func grammarFlags(t *testing.T) map[string]bool {
	found := map[string]bool{}
	for _, command := range wholeParser(t).Model.Leaves(false) {
		for _, group := range command.AllFlags(false) {
			for _, flag := range group {
				if flag.Name != "help" {
					found[command.Name+" --"+flag.Name] = true
				}
			}
		}
	}
	return found
}

func TestConfigurationPageHasEveryFlag(t *testing.T) {
	page := docPages(t)["docs/configuration.md"]
	general, own := map[string]bool{}, map[string]bool{}
	for _, row := range tableRows(page, "Settings") {
		for _, span := range codeSpans(row[0]) {
			if strings.HasPrefix(span, "--") {
				general[span] = true
			}
		}
	}
	for _, row := range tableRows(page, "Flags of one command") {
		for _, command := range codeSpans(row[0]) {
			for _, flag := range codeSpans(row[1]) {
				own[command+" "+flag] = true
			}
		}
	}
	used := map[string]bool{}
	for both := range grammarFlags(t) {
		_, flag, _ := strings.Cut(both, " ")
		switch {
		case own[both]:
			delete(own, both)
		case general[flag]:
			used[flag] = true
		default:
			t.Errorf("not on the page: %s", both)
		}
	}
	for flag := range general {
		if !used[flag] {
			t.Errorf("on the page, but no flag of any command: %s", flag)
		}
	}
	for flag := range own {
		t.Errorf("on the page, but no flag of that command: %s", flag)
	}
}

func TestConfigurationPageHasEveryKey(t *testing.T) {
	var listed []string
	for _, row := range tableRows(docPages(t)["docs/configuration.md"], "Settings") {
		for _, span := range codeSpans(row[2]) {
			if strings.HasPrefix(span, "vaws_") {
				listed = append(listed, span)
			}
		}
	}
	reportDifference(t, "keys", listed, profile.KeyNames())
}

// vaultVariable is what a variable of one of the families that vaws knows is called.
var vaultVariable = regexp.MustCompile(`^(VAWS|VAULT|BAO)_[A-Z_]*[A-Z]$`)

func TestConfigurationPageHasEveryVariable(t *testing.T) {
	page := docPages(t)["docs/configuration.md"]
	var listed []string
	for _, heading := range []string{"Settings", "Variables alone"} {
		for _, row := range tableRows(page, heading) {
			for _, span := range append(codeSpans(row[0]), codeSpans(row[1])...) {
				if vaultVariable.MatchString(span) {
					listed = append(listed, span)
				}
			}
		}
	}
	known := profile.VariableNames()
	for text := range sourceLiterals(t) {
		if vaultVariable.MatchString(text) {
			known = append(known, text)
		}
	}
	reportDifference(t, "variables", listed, known)
}

func reportDifference(t *testing.T, what string, listed, known []string) {
	t.Helper()
	for _, name := range known {
		if !slices.Contains(listed, name) {
			t.Errorf("%s: not on the page: %s", what, name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(known, name) {
			t.Errorf("%s: on the page, but unknown to the program: %s", what, name)
		}
	}
}

// sourceLiterals are the strings in the sources of the program, without its tests and the
// lab; those that "+" joins are one, with "…" for what is not a literal.
func sourceLiterals(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d sources, %v", len(files), err)
	}
	found := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || filepath.Base(filepath.Dir(path)) == "lab" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.BinaryExpr:
				if node.Op == token.ADD {
					found[joinedLiterals(node)] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(node.Value); err == nil {
					found[text] = true
				}
			}
			return true
		})
	}
	return found
}

func joinedLiterals(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return joinedLiterals(e.X) + joinedLiterals(e.Y)
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text
		}
	}
	return "…"
}

// vawsCall is a call of vaws in a page.
var vawsCall = regexp.MustCompile("(?:^|[\\s\"'`($=;&|])vaws (.*)")

// calls finds what a page calls vaws with: in its blocks, and between back quotes.
func callsIn(page string) []string {
	var found []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "#") { // the messages of docs/troubleshooting.md
			continue
		}
		texts := codeSpans(line)
		if code, isCode := strings.CutPrefix(line, "    "); isCode {
			code, _, _ = strings.Cut(" "+code, " #") // a comment
			texts = []string{strings.TrimSpace(code)}
		}
		for _, text := range texts {
			for match := vawsCall.FindStringSubmatch(text); match != nil; match = vawsCall.FindStringSubmatch(match[1]) {
				found = append(found, match[1])
			}
		}
	}
	return found
}

// words splits a call as a shell would, up to what ends the command.
func shellWords(call string) []string {
	var found []string
	var word strings.Builder
	var quote rune
	inWord := false
	end := func() {
		if inWord {
			found = append(found, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, r := range call {
		switch {
		case quote == r:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case (r == '"' || r == '\'') && strings.Count(call, string(r))%2 == 0:
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			end()
		case strings.ContainsRune("|;&)><\"'#,", r) && !(r == '#' && inWord):
			end()
			return found
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	end()
	return found
}

func TestWords(t *testing.T) {
	for call, want := range map[string]string{
		`env ec2-admin)"`:                      "env|ec2-admin",
		`exec a -- sh -c 'x; y' | cat`:         "exec|a|--|sh|-c|x; y",
		`exec a -- true   # b`:                 "exec|a|--|true",
		`credential-process a >/dev/null`:      "credential-process|a",
		`clear --all && vaws logout`:           "clear|--all",
		`env a --shell fish; and something up`: "env|a|--shell|fish",
	} {
		if got := strings.Join(shellWords(call), "|"); got != want {
			t.Errorf("%q: %q", call, got)
		}
	}
}

// Every call of vaws that a page shows or mentions is one that the grammar takes. A
// command that is only named, such as vaws exec, need not be complete.
func TestPagesCallVawsRightly(t *testing.T) {
	count := 0
	for name, page := range docPages(t) {
		// What errors say of vaws is no call.
		before, rest, _ := strings.Cut(page, "<!-- faults -->")
		_, after, _ := strings.Cut(rest, "<!-- /faults -->")
		for _, call := range callsIn(before + after) {
			args := shellWords(call)
			if len(args) == 0 || strings.HasPrefix(args[0], "~") { // install vaws ~/.local/bin/
				continue
			}
			count++
			parser := wholeParser(t)
			if len(args) == 1 && namesCommand(parser, args[0]) {
				continue
			}
			if _, err := parser.Parse(args); err != nil {
				t.Errorf("%s: vaws %s: %v", name, call, err)
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d calls were found", count)
	}
}

func namesCommand(parser *kong.Kong, name string) bool {
	return name == "help" || slices.ContainsFunc(parser.Model.Leaves(false), func(n *kong.Node) bool { return n.Name == name })
}

// The messages and hints of docs/troubleshooting.md are the program's own words: each
// piece between two "…" is in one string of the sources.
func TestTroubleshootingQuotesTheProgram(t *testing.T) {
	page, ok := docPages(t)["docs/troubleshooting.md"]
	if !ok {
		t.Fatal("there is no such page")
	}
	known := strings.Join(slices.Sorted(maps.Keys(sourceLiterals(t))), "\n")
	count := 0
	for line := range strings.Lines(page) {
		message, isHeading := strings.CutPrefix(strings.TrimSpace(line), "### ")
		if !isHeading {
			continue
		}
		for piece := range strings.SplitSeq(strings.Trim(message, "`"), "…") {
			if piece = strings.TrimSpace(piece); len(piece) < 4 {
				continue
			}
			if count++; !strings.Contains(known, piece) {
				t.Errorf("the program does not say %q", piece)
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d pieces of messages were found", count)
	}
}

// configsIn are the AWS configs, or pieces of them, that a page shows.
func configsIn(page string) []string {
	var found []string
	inside := false
	for line := range strings.Lines(page) {
		code, isCode := strings.CutPrefix(line, "    ")
		switch {
		case isCode && (strings.HasPrefix(code, "[vaws]") || strings.HasPrefix(code, "[profile ")) && !inside:
			inside = true
			found = append(found, code)
		case inside && isCode && code != "END\n":
			found[len(found)-1] += code
		case inside && strings.TrimSpace(line) != "" || code == "END\n":
			inside = false
		}
	}
	return found
}

// Every profile in a config that a page shows is one that vaws takes.
func TestPagesShowConfigsThatWork(t *testing.T) {
	count := 0
	for name, page := range docPages(t) {
		for _, config := range configsIn(page) {
			config = strings.NewReplacer("$ACCOUNT", "111122223333", "$OTHER", "444455556666").Replace(config)
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": path + "-none", "VAULT_ADDR": "https://vault.example.com:8200"}
			getenv := func(name string) string { return env[name] }
			for _, p := range profile.Names(path) {
				count++
				if _, err := profile.Resolve(profile.Query{Name: p, Getenv: getenv}); err != nil {
					t.Errorf("%s: %v in\n%s", name, err, config)
				}
			}
			if _, err := profile.ResolveLogin(profile.Query{Getenv: getenv}); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, config)
			}
		}
	}
	if count < 7 {
		t.Errorf("only %d profiles were found", count)
	}
}

// docLink is a link to another file of the repository.
var docLink = regexp.MustCompile(`\]\(([^):]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	all := docPages(t)
	for name, page := range all {
		for _, match := range docLink.FindAllStringSubmatch(page, -1) {
			file, anchor, _ := strings.Cut(match[1], "#")
			target := name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			}
			if _, err := os.Stat(filepath.Join(docsRoot, target)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, match[1])
			}
			if anchor != "" && !slices.Contains(headingAnchors(all[target]), anchor) {
				t.Errorf("%s: %s has no such heading", name, match[1])
			}
		}
	}
}

// headingAnchors are the names that a page's headings get: lower case, blanks to hyphens,
// nothing else but letters, digits, hyphens and underscores.
func headingAnchors(page string) []string {
	var names []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		text := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			}
			return -1
		}, text))
	}
	return names
}
