package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// The lines around what "vaws configure" writes, and what it notes between them. The
// AWS CLI takes a comment with a colon or an equals sign for an option.
const (
	blockBegin    = "# >>> vaws configure >>>"
	blockEnd      = "# <<< vaws configure <<<"
	blockAbout    = `# Made by "vaws configure"; "vaws configure --remove" takes it out again.`
	noteNoFile    = "# There was no file before."
	noteEmpty     = "# The file was empty before."
	noteNoNewline = "# The line before it had no end."
)

// Block is an AWS config, taken apart into what "vaws configure" has written, if it
// has written anything, and the rest.
type Block struct {
	path      string
	data      []byte
	before    []byte // all of it where there is no block
	opening   [][]byte
	parts     []*part
	closing   []byte
	after     []byte
	exists    bool
	misplaced bool           // the block is empty, and in the middle of a section that it would cut
	outside   map[string]int // lines of the profiles that are not in the block
	faults    []error
	region    string // of [default]
	vaws      layer  // [vaws]
}

// part is a section in the block, with the lines up to the next one.
type part struct {
	name    string // of the profile; empty: no profile
	number  int    // line of its header
	lines   [][]byte
	options []optionAt
}

// optionAt is an option in lines[first:next], with what continues its value.
type optionAt struct {
	name, value string
	first, next int
}

// ParseBlock takes the AWS config apart that stands at path. exists is false if there
// is no such file. A config that no SDK could read, or whose block is damaged, is an
// error that names the line.
func ParseBlock(path string, data []byte, exists bool) (*Block, error) {
	if bytes.IndexByte(data, 0) >= 0 || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, hint.Errorf("save it as UTF-8, as the AWS SDKs want it", "%s is no text in UTF-8", path)
	}
	b := &Block{path: path, data: data, before: data, exists: exists, outside: map[string]int{}}
	lines := slices.Collect(bytes.Lines(data))
	begin, end, err := findBlock(path, lines)
	if err != nil {
		return nil, err
	}
	if begin >= 0 {
		b.before, b.closing = bytes.Join(lines[:begin], nil), lines[end]
		b.opening = lines[begin : begin+1]
	}
	if err := b.read(lines, begin, end); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("\uFEFF")) {
		b.faults = append(b.faults, hint.Errorf("save it as UTF-8 without one", "%s:1: a byte-order mark, which the AWS CLI refuses", path))
	}
	if b.misplaced {
		b.before, b.opening, b.closing, b.after = b.Removed(), nil, nil, nil
	}
	conf, _ := parseConfig(path, data, "") // what is wrong in [vaws], Resolve tells
	b.vaws, _ = conf.vaws.layer()
	return b, nil
}

// findBlock returns the indexes of the block's first and last line, -1 if there is no
// block.
func findBlock(path string, lines [][]byte) (begin, end int, err error) {
	begin, end = -1, -1
	for i, raw := range lines {
		switch string(bytes.TrimSpace(raw)) {
		case blockBegin:
			if begin >= 0 {
				return 0, 0, hint.Errorf(fmt.Sprintf("the first begins at line %d; delete one of the two, or the superfluous line", begin+1),
					"%s:%d: vaws configure's block begins a second time", path, i+1)
			}
			begin = i
		case blockEnd:
			if begin < 0 || end >= 0 {
				return 0, 0, hint.Errorf(`delete the line, or put the line "`+blockBegin+`" where the block begins`,
					"%s:%d: vaws configure's block ends without having begun", path, i+1)
			}
			end = i
		}
	}
	if begin >= 0 && end < 0 {
		return 0, 0, hint.Errorf(`put the line "`+blockEnd+`" where it ends, or delete the line where it begins`,
			"%s:%d: vaws configure's block has no end", path, begin+1)
	}
	return begin, end, nil
}

// read sorts the lines into the block's parts and what is outside.
func (b *Block) read(lines [][]byte, begin, end int) error {
	var current *part
	strays := map[int]bool{} // indexes of the last part's lines after the block
	past := false            // a header was found after the block
	next := begin + 1        // line that is not sorted yet
	take := func(until int) {
		for ; next < until; next++ {
			if current == nil {
				b.opening = append(b.opening, lines[next])
			} else {
				current.lines = append(current.lines, lines[next])
			}
		}
	}
	err := scan(b.path, b.data, func(l line) error {
		if name, value, _ := l.option(); name == "region" && l.isProfile && l.section == "default" && !l.continues {
			b.region = value
		}
		i := l.number - 1
		inside := begin < i && i < end
		switch {
		case l.isHeader && inside:
			take(i)
			current = &part{number: l.number}
			b.parts = append(b.parts, current)
			if l.isProfile {
				current.name = l.section
			}
			take(i + 1)
		case l.isHeader:
			past = past || i > end
			b.noteOutside(l)
		case inside && current != nil:
			take(i + 1)
			current.note(l)
		case begin >= 0 && i > end && !past && current != nil:
			take(end)
			strays[i] = true
			at := current.content()
			current.lines = append(current.lines[:at:at], append([][]byte{ended(lines[i], b.eol())}, current.lines[at:]...)...)
			current.note(l)
		case begin >= 0 && i > end && !past:
			b.misplaced = true
		}
		return nil
	})
	if err != nil || begin < 0 {
		return err
	}
	take(end)
	for i := end + 1; i < len(lines); i++ {
		if !strays[i] {
			b.after = append(b.after, lines[i]...)
		}
	}
	return b.checkParts()
}

// ended is the line with its end, which the last one of a file may lack.
func ended(line []byte, eol string) []byte {
	if bytes.HasSuffix(line, []byte("\n")) {
		return line
	}
	return append(bytes.Clone(line), eol...)
}

func (b *Block) noteOutside(l line) {
	if !l.isProfile {
		return
	}
	if first, found := b.outside[l.section]; found {
		b.faults = append(b.faults, hint.Errorf(fmt.Sprintf("make one section of it and the one at line %d", first),
			"%s:%d: a second section of the profile %q, which the AWS CLI refuses", b.path, l.number, l.section))
		return
	}
	b.outside[l.section] = l.number
}

func (b *Block) checkParts() error {
	seen := map[string]int{}
	for _, p := range b.parts {
		if first := seen[p.name]; p.name != "" && first > 0 {
			return hint.Errorf(fmt.Sprintf("delete it, or the one at line %d", first),
				"%s:%d: a second section of the profile %q in vaws configure's block", b.path, p.number, p.name)
		}
		seen[p.name] = p.number
	}
	return nil
}

// content is the index after the last line of the part's header and options.
func (p *part) content() int {
	if len(p.options) == 0 {
		return 1
	}
	return p.options[len(p.options)-1].next
}

// note adds the option, or what continues it, whose line is the last of the content.
func (p *part) note(l line) {
	i := p.content()
	for i < len(p.lines)-1 && !bytes.Equal(bytes.TrimSpace(p.lines[i]), l.text) {
		i++
	}
	if l.continues && len(p.options) > 0 {
		p.options[len(p.options)-1].next = i + 1
		return
	}
	name, value, _ := l.option()
	p.options = append(p.options, optionAt{name, value, i, i + 1})
}

// value is that of an option; empty if the part has none of this name.
func (p *part) value(name string) string {
	if i := p.index(name); i >= 0 {
		return p.options[i].value
	}
	return ""
}

// index is that of an option; -1 if the part has none of this name.
func (p *part) index(name string) int {
	for i := range p.options {
		if p.options[i].name == name {
			return i
		}
	}
	return -1
}

// set gives the part an option, and keeps its line if it says the same.
func (p *part) set(name, value, eol string) {
	text := []byte(name + " = " + value + eol)
	i := p.index(name)
	if i >= 0 && p.options[i].value == value && p.options[i].next == p.options[i].first+1 {
		return
	}
	first, next := p.content(), p.content()
	if i >= 0 {
		first, next = p.options[i].first, p.options[i].next
	}
	p.lines = append(p.lines[:first:first], append([][]byte{text}, p.lines[next:]...)...)
	for j := range p.options {
		if o := &p.options[j]; o.first > first {
			o.first, o.next = o.first+1-(next-first), o.next+1-(next-first)
		}
	}
	if i < 0 {
		p.options = append(p.options, optionAt{})
		i = len(p.options) - 1
	}
	p.options[i] = optionAt{name, value, first, first + 1}
}

// Region is that of the default profile, which other profiles do not inherit; it may be
// empty.
func (b *Block) Region() string { return b.region }

// Faults are warnings of what keeps the AWS CLI from reading the config: sections
// outside the block that stand there twice, and a byte-order mark.
func (b *Block) Faults() []error { return b.faults }

// eol is the line end of the block, else that of the file's first line.
func (b *Block) eol() string {
	first := b.data
	if len(b.opening) > 0 {
		first = b.opening[0]
	}
	if line, _, found := bytes.Cut(first, []byte("\n")); found && bytes.HasSuffix(line, []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

// Removed is the config without the block: the bytes from before it was written. It
// is nil if there was no file, and nothing else has been written since.
func (b *Block) Removed() []byte {
	if len(b.opening) == 0 {
		return b.before
	}
	rest := bytes.Clone(b.before)
	if i := lastLine(rest); len(bytes.TrimSpace(rest[i:])) == 0 && !b.noted(noteNoFile) && !b.noted(noteEmpty) {
		rest = rest[:i] // the empty line before the block
	}
	if len(b.after) == 0 && b.noted(noteNoNewline) {
		rest = bytes.TrimSuffix(rest, []byte(b.eol()))
	}
	rest = append(rest, b.after...)
	if len(rest) == 0 && b.noted(noteNoFile) {
		return nil
	}
	return append([]byte{}, rest...)
}

// lastLine is where the last line begins.
func lastLine(data []byte) int {
	return bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
}

func (b *Block) noted(note string) bool {
	return slices.ContainsFunc(b.opening, func(line []byte) bool { return string(bytes.TrimSpace(line)) == note })
}

// with is the config with these parts in its block.
func (b *Block) with(parts []*part) []byte {
	if len(parts) == 0 {
		return b.Removed() // what there is, if there is no block
	}
	data, closing := bytes.Clone(b.before), b.closing
	opening := b.opening
	if len(opening) == 0 {
		var separator string
		separator, opening = b.newOpening()
		data, closing = append(data, separator...), []byte(blockEnd+b.eol())
	}
	data = append(data, bytes.Join(opening, nil)...)
	for _, p := range parts {
		data = append(data, bytes.Join(p.lines, nil)...)
	}
	return append(append(data, closing...), b.after...)
}

// newOpening is how the block begins where there is none, and what parts it from
// what stands before it: an empty line.
func (b *Block) newOpening() (separator string, opening [][]byte) {
	eol := b.eol()
	lines := []string{blockBegin, blockAbout}
	switch {
	case !b.exists:
		lines = append(lines, noteNoFile)
	case len(b.before) == 0:
		lines = append(lines, noteEmpty)
	case bytes.HasSuffix(b.before, []byte("\n")):
		separator = eol
	default:
		separator, lines = eol+eol, append(lines, noteNoNewline)
	}
	for _, text := range lines {
		opening = append(opening, []byte(text+eol))
	}
	return separator, opening
}

// Wishes are what the block is to have.
type Wishes struct {
	Address   string // of Vault
	Namespace string
	Add, Drop []credentials.Role
	Offered   []credentials.Role // among which roles of one name are told apart by their mounts
	Command   string             // that SDKs call vaws by, quoted as they need it
	Trust     Trust
	Region    string // empty: none is set, and those that are there stay
	NewRegion string // of new profiles, if Region is empty; may be empty
}

// Trust are the paths of files that tell Vault and its clients from others. Empty ones
// are not set, and those that are there stay.
type Trust struct{ CACert, ClientCert, ClientKey string }

// Change is what Wishes make of a config.
type Change struct {
	Data  []byte
	Names []string // of the profiles of Wishes.Add; empty: it was left out
	Left  []error  // what could not be granted, and why
}

// Update adds profiles to the block, or brings those up to date that it has for the
// same roles, and leaves the others as they are. Options that somebody has added stay.
// keyed are the profiles of the credentials file, and their lines there: its keys go
// before a credential_process. The block itself is not to be used after it.
func (b *Block) Update(w *Wishes, keyed func(profile string) (where string, found bool)) Change {
	var c Change
	var parts []*part
	have, taken := map[credentials.Role]*part{}, map[string]bool{}
	for _, p := range b.parts {
		r, known := b.roleOf(w, p)
		number := b.outside[p.name]
		switch {
		case p.name != "" && number > 0:
			if !known || !slices.Contains(w.Add, r) { // otherwise newName tells
				c.Left = append(c.Left, fmt.Errorf("%s:%d: there is a profile %q that vaws configure has not written: its own goes", b.path, number, p.name))
			}
		case !known || !slices.Contains(w.Drop, r):
			parts, taken[p.name] = append(parts, p), true
			if known {
				have[r] = p
			}
		}
	}
	for _, r := range w.Add {
		p := have[r]
		if p == nil {
			name, err := b.newName(w, r, taken, keyed)
			if err != nil {
				c.Left, c.Names = append(c.Left, err), append(c.Names, "")
				continue
			}
			closed(parts, b.eol())
			p = &part{name: name, lines: [][]byte{[]byte("[profile " + name + "]" + b.eol())}}
			parts, have[r], taken[name] = append(parts, p), p, true
			b.fill(w, p, r, cmp.Or(w.Region, w.NewRegion))
		} else {
			b.fill(w, p, r, w.Region)
		}
		c.Names = append(c.Names, p.name)
	}
	if c.Data = b.with(parts); !bytes.Equal(c.Data, b.data) {
		closed(parts, b.eol())
		c.Data = b.with(parts)
	}
	return c
}

// closed ends the last part with an empty line: the AWS CLI adds options two lines
// after the last one, which without it is after the block.
func closed(parts []*part, eol string) {
	if len(parts) == 0 {
		return
	}
	last := parts[len(parts)-1]
	if end := last.lines[len(last.lines)-1]; len(bytes.TrimSpace(end)) > 0 {
		last.lines = append(last.lines, []byte(eol))
	}
}

// Roles are those of the wishes' Vault that the block has profiles for.
func (b *Block) Roles(w *Wishes) []credentials.Role {
	var roles []credentials.Role
	for _, p := range b.parts {
		if r, known := b.roleOf(w, p); known {
			roles = append(roles, r)
		}
	}
	return roles
}

// roleOf is the role that the part is a profile for; known is false if it is of another
// Vault, or no such profile.
func (b *Block) roleOf(w *Wishes, p *part) (r credentials.Role, known bool) {
	path, err := parseRole(cmp.Or(p.value(keyName(role)), p.name))
	if p.name == "" || err != nil || !b.isAt(w, p) {
		return r, false
	}
	return credentials.Role{
		Mount:  strings.Trim(cmp.Or(path.mount, p.value(keyName(Mount)), b.UsualMount()), "/"),
		Name:   path.role,
		Static: cmp.Or(path.endpoint, p.value(keyName(Endpoint)), b.vaws.values[Endpoint]) == credentials.EndpointStaticCreds,
	}, true
}

// isAt reports whether the part's profile is at the wishes' Vault. One without an
// address can be at any.
func (b *Block) isAt(w *Wishes, p *part) bool {
	address := normal(cmp.Or(p.value(keyName(Address)), b.vaws.values[Address]))
	namespace := strings.Trim(cmp.Or(p.value(keyName(Namespace)), b.usual(Namespace, w.Address)), "/")
	return (address == "" || address == w.Address) && namespace == w.Namespace
}

// normal is the address normalised, if that can be done.
func normal(address string) string {
	if normal, err := normalise(address); err == nil {
		return normal
	}
	return address
}

// UsualMount is the mount of a profile that names none.
func (b *Block) UsualMount() string {
	return strings.Trim(cmp.Or(b.vaws.values[Mount], builtIn.values[Mount]), "/")
}

// usual is the setting of a profile at the address that does not have it, if it is one
// that means something at one address only.
func (b *Block) usual(setting, address string) string {
	if all := normal(b.vaws.values[Address]); all != "" && all != address {
		return ""
	}
	return b.vaws.values[setting]
}

// CanHold reports whether an option's value is read back from an AWS config as it is.
func CanHold(value string) bool {
	_, got, _ := (line{text: []byte("x = " + value)}).option()
	return got == value && utf8.ValidString(value) && !strings.ContainsFunc(value, isControl)
}

// newName is the name of a new profile: the role's, else MOUNT-ROLE.
func (b *Block) newName(w *Wishes, r credentials.Role, taken map[string]bool, keyed func(string) (string, bool)) (string, error) {
	name := freeName(w, r, taken)
	what := fmt.Sprintf("role %q on mount %q is left out", r.Name, r.Mount)
	if name == "" {
		return "", hint.Errorf("write a section for it by hand, outside the block", "%s: its names are other roles' profiles", what)
	}
	if number := b.outside[name]; number > 0 {
		return "", hint.Errorf(fmt.Sprintf("rename that section, or use: vaws exec %s", r),
			"%s: %s:%d: there is a profile %q that vaws configure has not written", what, b.path, number, name)
	}
	if where, found := keyed(name); found {
		return "", hint.Errorf(fmt.Sprintf("SDKs would take those keys: remove them, or use: vaws exec %s", r),
			"%s: %s: there are keys for the profile %q", what, where, name)
	}
	return name, nil
}

// freeName is the first name that is not taken; empty if they all are.
func freeName(w *Wishes, r credentials.Role, taken map[string]bool) string {
	mount := strings.Map(func(c rune) rune {
		if isWord(c) || strings.ContainsRune(".@-", c) {
			return c
		}
		return '-'
	}, r.Mount)
	names := []string{r.Name, mount + "-" + r.Name}
	if r.Static { // of the same name as another role there
		names = append(names, mount+"-static-"+r.Name)
	}
	if r.Name == "default" || sharesName(r, w.Offered) { // [profile default] is everybody's
		names = names[1:]
	}
	for _, name := range names {
		if !taken[name] {
			return name
		}
	}
	return ""
}

// sharesName reports whether another mount offers a role of the same name.
func sharesName(r credentials.Role, offered []credentials.Role) bool {
	for _, o := range offered {
		if o.Name == r.Name && o.Mount != r.Mount {
			return true
		}
	}
	return false
}

// fill gives the part the options of a profile for the role. SDKs call vaws in an
// environment that need not have the user's VAULT_ADDR, so what only a variable says is
// written down.
func (b *Block) fill(w *Wishes, p *part, r credentials.Role, region string) {
	endpoint := ""
	switch {
	case r.Static:
		endpoint = credentials.EndpointStaticCreds
	case b.vaws.values[Endpoint] == credentials.EndpointStaticCreds:
		endpoint = credentials.EndpointSTS // which serves every role that is not static
	}
	usualCert, usualKey := b.usual(clientCert, w.Address), b.usual(clientKey, w.Address)
	if usualCert != w.Trust.ClientCert || usualKey != w.Trust.ClientKey {
		usualCert, usualKey = "", "" // the two go together
	}
	for _, o := range [][3]string{
		{"credential_process", w.Command + " credential-process " + p.name},
		{keyName(role), r.Name, p.name},
		{keyName(Mount), r.Mount, b.UsualMount()},
		{keyName(Endpoint), endpoint, b.vaws.values[Endpoint]},
		{keyName(Address), w.Address, normal(b.vaws.values[Address])},
		{keyName(Namespace), w.Namespace, strings.Trim(b.usual(Namespace, w.Address), "/")},
		{keyName(caCert), w.Trust.CACert, b.usual(caCert, w.Address)},
		{keyName(clientCert), w.Trust.ClientCert, usualCert},
		{keyName(clientKey), w.Trust.ClientKey, usualKey},
		{"region", region},
	} {
		if name, value, usual := o[0], o[1], o[2]; value != "" && value != usual {
			p.set(name, value, b.eol())
		}
	}
}
