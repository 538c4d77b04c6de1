package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kong"
)

// manCommand prints the manual, which is made from the grammar.
type manCommand struct {
	Dir string `arg:"" optional:"" help:"Command whose page to print; or a directory to write every page to."`
}

// Help is shown below the summary.
func (manCommand) Help() string {
	return `    vaws man exec | man -l -
    vaws man ~/.local/share/man/man1`
}

// Run writes or prints all pages.
func (m manCommand) Run(s *session) error {
	pages, err := s.manPages()
	if err != nil {
		return err
	}
	for _, p := range pages {
		if m.Dir == p.name || "vaws-"+m.Dir == p.name {
			return s.answer(p.text.Bytes())
		}
	}
	if m.Dir == "" {
		var all []byte
		for _, p := range pages {
			all = append(all, p.text.Bytes()...)
		}
		return s.answer(all)
	}
	if err := os.MkdirAll(m.Dir, 0o755); err != nil {
		return fmt.Errorf("writing the manual: %w", err)
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(m.Dir, p.name+".1"), p.text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("writing the manual: %w", err)
		}
	}
	return nil
}

// manPages are vaws(1) and one page for each command that people are told about.
func (s *session) manPages() ([]*manPage, error) {
	parser, err := newParser("")
	if err != nil {
		return nil, err
	}
	top := s.newManPage("vaws", "AWS credentials from HashiCorp Vault or OpenBao")
	pages := []*manPage{top}
	top.section("SYNOPSIS")
	top.line(".B vaws\n" + roff("COMMAND [flags] …"))
	top.section("DESCRIPTION")
	top.prose(description)
	for _, group := range groups {
		top.line(".SS " + roff(strings.TrimSuffix(group.Title, ":")))
		for _, node := range parser.Model.Children {
			if node.Group != nil && node.Group.Key == group.Key {
				top.item(".BR "+roff("vaws-"+node.Name)+" (1)", node.Help)
				pages = append(pages, s.commandPage(node))
			}
		}
		top.code(group.Description)
	}
	top.section("FILES")
	top.item(".I "+roff("~/.aws/config"), "Profiles, and defaults for all of them in the section [vaws]; AWS_CONFIG_FILE names another file.")
	top.item(".I "+roff("~/.cache/vaws"), "Credentials and tokens, sealed; below XDG_CACHE_HOME if that is set.")
	top.section("EXIT STATUS")
	top.prose(exitStatuses)
	return pages, nil
}

const exitStatuses = `0 if all went well, 1 if not, 2 if the command line makes no sense. vaws exec ends with the status of its command, and with 125 if vaws itself failed, 126 if the command cannot be run, 127 if there is no such command.`

func (s *session) commandPage(node *kong.Node) *manPage {
	p := s.newManPage("vaws-"+node.Name, node.Help)
	p.section("SYNOPSIS")
	p.line(".B vaws " + roff(node.Name) + "\n" + roff(strings.TrimSpace(strings.TrimPrefix(node.Summary(), node.Name))))
	p.section("DESCRIPTION")
	p.prose(node.Help + "\n\n" + node.Detail)
	if len(node.Positional) > 0 {
		p.section("ARGUMENTS")
	}
	for _, a := range node.Positional {
		p.item(".B "+roff(a.Summary()), a.Help)
	}
	p.section("OPTIONS")
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			name := `\fB` + roff("--"+f.Name) + `\fR`
			if !f.IsBool() {
				name += `=\fI` + roff(f.FormatPlaceHolder()) + `\fR`
			}
			p.item(name, f.Help)
		}
	}
	p.section("SEE ALSO")
	p.line(".BR vaws (1)")
	return p
}

// manPage is a page in the language of man(7).
type manPage struct {
	name string
	text bytes.Buffer
}

func (s *session) newManPage(name, summary string) *manPage {
	p := &manPage{name: name}
	p.line(fmt.Sprintf(`.TH %s 1 "%s" "%s" "vaws"`, roff(strings.ToUpper(name)), s.manDate(), roff("vaws "+versionText())))
	p.section("NAME")
	p.line(roff(name) + ` \- ` + roff(lowerFirst(strings.TrimSuffix(summary, "."))))
	return p
}

// manDate is today, or what the maker of a package says
// (https://reproducible-builds.org/specs/source-date-epoch/).
func (s *session) manDate() string {
	now := s.now()
	if epoch, err := strconv.ParseInt(s.getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		now = time.Unix(epoch, 0)
	}
	return now.UTC().Format("2006-01-02")
}

func lowerFirst(text string) string {
	if len(text) > 1 && unicode.IsUpper(rune(text[1])) { // an abbreviation
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

func (p *manPage) line(text string) { p.text.WriteString(text + "\n") }

func (p *manPage) section(title string) { p.line(".SH " + title) }

// item is a term and what it means.
func (p *manPage) item(term, meaning string) {
	p.line(".TP\n" + term + "\n" + cmp.Or(roff(meaning), `\&`))
}

// prose writes paragraphs; those that are indented are code.
func (p *manPage) prose(text string) {
	first := true
	for paragraph := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		switch {
		case paragraph == "":
			continue
		case strings.HasPrefix(paragraph, "    "):
			p.code(paragraph)
			continue
		case !first:
			p.line(".PP")
		}
		p.line(roff(paragraph))
		first = false
	}
}

func (p *manPage) code(text string) {
	p.line(".PP\n.RS 4\n.nf")
	for line := range strings.Lines(text) {
		p.line(roff(strings.TrimPrefix(strings.TrimRight(line, "\n"), "    ")))
	}
	p.line(".fi\n.RE")
}

// roff makes text stand for itself (groff(7), "Escape sequences").
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "'", `\(aq`, "`", "\\`", "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
