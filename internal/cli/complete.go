package cli

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"vaws/internal/cache"
	"vaws/internal/credentials"
	"vaws/internal/profile"
	"vaws/internal/shell"
	"vaws/internal/vault"
)

// completeWord is the command that the scripts of completion.go call. It is no part
// of the grammar, as whatever stands on a line must be fit for it.
const completeWord = "__complete"

// candidate is a word that could stand on the line, and what it is.
type candidate struct{ text, about string }

// completion is what could stand in the place of a line's last word.
type completion struct {
	words   []candidate
	files   bool
	command int // the line is another command's from this word on ("vaws" is 0), if it is not zero
}

// complete answers a shell that asks so:
//
//	bash LINE WORDBREAKS    the line up to the cursor, as it was typed
//	SHELL WORD…             the words after "vaws", the last one as far as the cursor
//
// Whatever goes wrong, there is nothing to complete, and nothing is said.
func (s *session) complete(args []string) error {
	if len(args) < 2 {
		return nil
	}
	sh, words := args[0], args[1:]
	switch sh {
	case "bash":
		if len(words) == 2 {
			return s.answer(s.completeBash(words[0], words[1]))
		}
	case "zsh":
		return s.answer(s.completeWords(words).format(func(b *bytes.Buffer, c candidate) {
			b.WriteString(strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(c.text))
			b.WriteByte(':')
			b.WriteString(c.about)
		}))
	case "fish":
		return s.answer(s.completeWords(words).format(tabbed))
	case "powershell":
		last := len(words) - 1
		words[last] = strings.TrimPrefix(words[last], "=")
		c := s.completeWords(words)
		c.only(words[last])
		for i, w := range c.words {
			c.words[i].text = powershellWord(w.text)
		}
		return s.answer(c.format(tabbed))
	}
	return nil
}

func tabbed(b *bytes.Buffer, c candidate) {
	b.WriteString(c.text)
	b.WriteByte('\t')
	b.WriteString(c.about)
}

// powershellWord quotes what PowerShell would not take for one word. It takes ‘ and its
// like for ', and two of them for one (about_Quoting_Rules).
func powershellWord(text string) string {
	if strings.ContainsAny(text, " \u00a0'‘’‚‛\"“”„`$;&|(){}@#,<>") {
		twice := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")
		return "'" + twice.Replace(text) + "'"
	}
	return text
}

// only leaves the words that begin so.
func (c *completion) only(prefix string) {
	c.words = slices.DeleteFunc(c.words, func(w candidate) bool { return !strings.HasPrefix(w.text, prefix) })
}

// format writes the answer: what it is, and the words, one in each line.
func (c completion) format(write func(*bytes.Buffer, candidate)) []byte {
	var b bytes.Buffer
	switch {
	case c.files:
		b.WriteString("files\n")
	case c.command > 0:
		fmt.Fprintf(&b, "command %d\n", c.command)
	default:
		b.WriteString("words\n")
	}
	for _, w := range c.words {
		if utf8.ValidString(w.text) && !strings.ContainsFunc(w.text, disturbs) {
			w.about = printable(w.about)
			write(&b, w)
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// completeWords finds what could stand in the place of the last word.
func (s *session) completeWords(words []string) completion {
	current := words[len(words)-1]
	if len(words) == 1 {
		return completion{words: commands()}
	}
	node := commandNode(words[0])
	if node == nil {
		return completion{}
	}
	l := readLine(node, words[1:len(words)-1])
	name, _, joined := strings.Cut(current, "=")
	switch {
	case l.value != nil:
		return s.values(l.value, "")
	case l.command > 0:
		return completion{command: l.command + 1}
	case !l.noFlags && joined && l.flags[name] != nil:
		return s.values(l.flags[name].Value, name+"=")
	case !l.noFlags && strings.HasPrefix(current, "-"):
		return completion{words: flagCandidates(node)}
	case l.next() == nil:
		return completion{}
	case isAnothers(l.next()):
		return completion{command: len(words)}
	}
	return s.values(l.next(), "")
}

// commands are those that people are told about.
func commands() []candidate {
	var all []candidate
	grammar := reflect.TypeFor[grammar]()
	for i := range grammar.NumField() {
		field := grammar.Field(i)
		if _, hidden := field.Tag.Lookup("hidden"); !hidden {
			all = append(all, candidate{commandName(field), field.Tag.Get("help")})
		}
	}
	return all
}

// commandNode is the grammar of one command; nil if there is no such command.
func commandNode(name string) *kong.Node {
	if !isCommand(name) {
		return nil
	}
	parser, err := newParser(name)
	if err != nil {
		return nil
	}
	return parser.Model.Children[0]
}

func flagCandidates(node *kong.Node) []candidate {
	var all []candidate
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			all = append(all, candidate{"--" + f.Name, f.Help})
		}
	}
	return all
}

// line is what the words before the one in question say about it.
type line struct {
	node    *kong.Node
	flags   map[string]*kong.Flag // with their dashes
	given   int                   // arguments that are no flags
	noFlags bool                  // "--" has been there
	value   *kong.Value           // the word is this flag's value
	command int                   // another command begins at this word, if it is not zero
}

// readLine reads the words behind the command's name.
func readLine(node *kong.Node, words []string) line {
	l := line{node: node, flags: map[string]*kong.Flag{}}
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			l.flags["--"+f.Name] = f
		}
	}
	for i, word := range words {
		switch {
		case l.value != nil:
			l.value = nil
		case !l.noFlags && word == "--":
			l.noFlags = true
		case !l.noFlags && strings.HasPrefix(word, "-") && word != "-":
			if f := l.flags[word]; f != nil && !f.IsBool() {
				l.value = f.Value
			}
		case isAnothers(l.next()):
			l.command = i + 1
			return l
		default:
			l.given++
		}
	}
	return l
}

// next is the argument that comes next; nil if there is none.
func (l line) next() *kong.Value {
	all := l.node.Positional
	if l.given < len(all) {
		return all[l.given]
	}
	if n := len(all); n > 0 && all[n-1].IsCumulative() {
		return all[n-1]
	}
	return nil
}

// isAnothers reports whether an argument is the beginning of another command.
func isAnothers(v *kong.Value) bool {
	return v != nil && v.PassthroughMode != kong.PassThroughModeNone
}

// values are what a flag or an argument can be, by its name; empty if nobody knows.
func (s *session) values(v *kong.Value, prefix string) completion {
	var words []candidate
	switch name := v.Name; {
	case v.Enum != "":
		words = candidatesOf(strings.Split(v.Enum, ","))
	case name == "name":
		words = s.names()
	case name == "profile":
		words = candidatesOf(profile.Offered(profile.ConfigPath(s.getenv)))
	case name == "mount":
		words = s.mounts()
	case name == "shell":
		words = candidatesOf(shell.Names())
	case name == "cache":
		words = candidatesOf(cache.Modes())
	case name == "endpoint":
		words = candidatesOf([]string{credentials.EndpointSTS, credentials.EndpointCreds, credentials.EndpointStaticCreds})
	case name == "method":
		words = candidatesOf(vault.Methods())
	case strings.HasSuffix(name, "-file") || name == "dir":
		return completion{files: true}
	}
	for i := range words {
		words[i].text = prefix + words[i].text
	}
	return completion{words: words}
}

func candidatesOf(texts []string) []candidate {
	all := make([]candidate, len(texts))
	for i, text := range texts {
		all[i].text = text
	}
	return all
}

// rolesToOffer is how many entries of the cache are looked at: somebody waits.
const rolesToOffer = 50

// names are the profiles, and the roles in the cache, as NAME.
func (s *session) names() []candidate {
	var roles []candidate
	fresh := map[string]bool{} // the names of roles that have not been offered yet
	for _, r := range cache.Roles("", rolesToOffer) {
		name := r.Mount + "/" + r.Name
		if r.Mount == profile.DefaultMount {
			name = r.Name
		}
		fresh[name] = true
		roles = append(roles, candidate{name, "role at " + r.Address})
	}
	all := candidatesOf(profile.Offered(profile.ConfigPath(s.getenv)))
	for i := range all {
		all[i].about = "profile"
		delete(fresh, all[i].text)
	}
	for _, r := range roles {
		if fresh[r.text] {
			delete(fresh, r.text)
			all = append(all, r)
		}
	}
	return all
}

func (s *session) mounts() []candidate {
	var all []candidate
	seen := map[string]bool{}
	for _, r := range cache.Roles("", rolesToOffer) {
		if !seen[r.Mount] {
			seen[r.Mount] = true
			all = append(all, candidate{r.Mount, "at " + r.Address})
		}
	}
	return all
}
