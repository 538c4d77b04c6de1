package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Choice is a line of Pick's list.
type Choice struct {
	Text   string
	Chosen bool
}

// CanPick reports whether there is a person at a terminal that can do more than
// print lines.
func CanPick() bool { return !isDumb(os.Getenv("TERM")) && Available() }

// Pick lets the person at the terminal choose from a list: arrow keys move, space
// chooses, typing narrows the list down, enter ends it. Where nothing is chosen at
// first, and nothing when it ends, the line with the mark is. It returns the indexes of
// the chosen ones. Ctrl-C and Esc end it at once with ErrInterrupted; the terminal is
// then as it was.
func Pick(ctx context.Context, title string, choices []Choice) ([]int, error) {
	d, err := open()
	if err != nil {
		return nil, fmt.Errorf("opening the terminal: %w", err)
	}
	defer d.close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)
	before, err := term.MakeRaw(int(d.in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("preparing the terminal: %w", err)
	}
	defer term.Restore(int(d.in.Fd()), before)
	defer understand(d.out)()
	fmt.Fprint(d.out, "\x1b[?1049h") // a screen of its own, which goes when the picker does
	defer fmt.Fprint(d.out, "\x1b[?1049l")
	p := newPicker(title, choices)
	if err := p.run(ctx, d, signals); err != nil {
		return nil, err
	}
	return p.result(), nil
}

// escapeWait is how long the rest of a key's sequence may take to arrive after its
// Esc.
const escapeWait = 50 * time.Millisecond

// run draws and obeys until the person is done. It reads no more than it needs: what is
// typed after enter is for the next question.
func (p *picker) run(ctx context.Context, d device, signals <-chan os.Signal) error {
	resizes, stop := resized()
	defer stop()
	keys := newKeys(d.in)
	defer close(keys.want)
	var rest []byte // of a sequence that has begun
	var late <-chan time.Time
	fmt.Fprint(d.out, p.draw(size(d)))
	for {
		keys.next()
		select {
		case in := <-keys.in:
			keys.waiting = false
			if in.err != nil {
				return fmt.Errorf("reading from the terminal: %w", in.err)
			}
			late = nil
			if rest = p.obey(append(rest, in.text...)); len(rest) > 0 {
				late = time.After(escapeWait)
			}
		case <-late:
			p.obeyLate(rest)
			rest, late = nil, nil
		case <-resizes:
		case <-signals:
			return ErrInterrupted
		case <-ctx.Done():
			return errors.New("nothing was chosen in time")
		}
		switch {
		case p.interrupted:
			return ErrInterrupted
		case p.done:
			return nil
		}
		fmt.Fprint(d.out, p.draw(size(d)))
	}
}

// keys reads the terminal when it is told to.
type keys struct {
	want    chan struct{}
	in      chan typed
	waiting bool
}

type typed struct {
	text []byte
	err  error
}

func newKeys(from *os.File) *keys {
	k := &keys{want: make(chan struct{}, 1), in: make(chan typed, 1)}
	go func() {
		for range k.want {
			var one [1]byte
			n, err := from.Read(one[:])
			k.in <- typed{one[:n], err}
		}
	}()
	return k
}

func (k *keys) next() {
	if !k.waiting {
		k.waiting = true
		k.want <- struct{}{}
	}
}

// size is the terminal's; one that does not say is as terminals have always been.
func size(d device) (width, height int) {
	width, height, err := term.GetSize(int(d.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// picker is the list while somebody chooses.
type picker struct {
	title   string
	choices []Choice
	started bool // something was chosen at first

	filter string
	shown  []int // indexes of the choices that the filter lets through
	at     int   // index into shown
	top    int   // the first of shown on the screen
	page   int   // how many are on the screen

	done, interrupted bool
}

func newPicker(title string, choices []Choice) *picker {
	p := &picker{title: title, choices: slices.Clone(choices), page: 1}
	p.started = slices.ContainsFunc(choices, func(c Choice) bool { return c.Chosen })
	p.narrow("")
	return p
}

// narrow shows what holds the text, whatever its case.
func (p *picker) narrow(filter string) {
	p.filter, p.shown, p.at, p.top = filter, nil, 0, 0
	for i, c := range p.choices {
		if strings.Contains(strings.ToLower(c.Text), strings.ToLower(filter)) {
			p.shown = append(p.shown, i)
		}
	}
}

func (p *picker) result() []int {
	var chosen []int
	for i, c := range p.choices {
		if c.Chosen {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 && !p.started && len(p.shown) > 0 {
		return []int{p.shown[p.at]}
	}
	return chosen
}

// move is how far a key moves the mark: those of the cursor, whichever mode it is in,
// Ctrl-P and Ctrl-N. ok is false for other keys.
// (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h2-PC-Style-Function-Keys)
func (p *picker) move(key string) (lines int, ok bool) {
	switch key {
	case "\x1b[A", "\x1bOA", "\x10":
		return -1, true
	case "\x1b[B", "\x1bOB", "\x0e":
		return 1, true
	case "\x1b[5~":
		return -p.page, true
	case "\x1b[6~":
		return p.page, true
	case "\x1b[H", "\x1bOH", "\x1b[1~":
		return -len(p.shown), true
	case "\x1b[F", "\x1bOF", "\x1b[4~":
		return len(p.shown), true
	}
	return 0, false
}

// obey does what the keys say, and returns the beginning of a key that is not all
// there yet.
func (p *picker) obey(text []byte) (rest []byte) {
	for len(text) > 0 && !p.done && !p.interrupted {
		n := keyLength(text)
		if n == 0 {
			return text
		}
		p.press(string(text[:n]))
		text = text[n:]
	}
	return nil
}

// obeyLate does what a key says that nothing has followed.
func (p *picker) obeyLate(text []byte) {
	if len(text) == 1 && text[0] == '\x1b' {
		p.interrupted = true
	}
}

// keyLength is how many bytes the first key has sent; 0 if more is to come.
func keyLength(text []byte) int {
	switch {
	case text[0] != '\x1b' && !utf8.FullRune(text):
		return 0
	case text[0] != '\x1b':
		_, n := utf8.DecodeRune(text)
		return n
	case len(text) == 1:
		return 0
	case text[1] == 'O' && len(text) > 2:
		return 3
	case text[1] == 'O':
		return 0
	case text[1] != '[':
		return 1 // an Esc, and another key
	}
	for i, c := range text[2:] {
		if c >= 0x40 && c <= 0x7e {
			return 2 + i + 1
		}
	}
	return 0
}

func (p *picker) press(key string) {
	switch key {
	case "\r", "\n":
		p.done = p.started || len(p.result()) > 0
	case "\x03", "\x04", "\x1c", "\x1b": // Ctrl-C, Ctrl-D, Ctrl-\
		p.interrupted = true
	case " ", "\t":
		p.turn()
	case "\x01":
		p.turnAll()
	case "\x7f", "\b":
		_, n := utf8.DecodeLastRuneInString(p.filter)
		p.narrow(p.filter[:len(p.filter)-n])
	case "\x15", "\x17":
		p.narrow("")
	default:
		if lines, ok := p.move(key); ok {
			p.at = max(0, min(p.at+lines, len(p.shown)-1))
		} else if r, _ := utf8.DecodeRuneInString(key); unicode.IsPrint(r) && r != utf8.RuneError {
			p.narrow(p.filter + key)
		}
	}
}

// turn chooses the line with the mark, or no longer.
func (p *picker) turn() {
	if len(p.shown) > 0 {
		c := &p.choices[p.shown[p.at]]
		c.Chosen = !c.Chosen
	}
}

// turnAll chooses all that is shown, or nothing of it if all is chosen.
func (p *picker) turnAll() {
	missing := slices.ContainsFunc(p.shown, func(i int) bool { return !p.choices[i].Chosen })
	for _, i := range p.shown {
		p.choices[i].Chosen = missing
	}
}

// draw is the whole screen, with the cursor behind the filter. No line is as wide as the
// terminal, which would begin another one by itself.
func (p *picker) draw(width, height int) string {
	width = max(width-1, 1)
	filter := "search: " + p.filter
	for columns(filter) > width {
		_, n := utf8.DecodeRuneInString(filter)
		filter = filter[n:]
	}
	head := []string{cut(p.title, width), filter}
	if height < 5 {
		head = head[1:]
	}
	foot := cut(p.help(width), width)
	p.page = max(height-len(head)-1, 1)
	p.top = max(min(p.top, p.at), p.at-p.page+1, 0)
	lines := head
	for i := p.top; i < min(p.top+p.page, len(p.shown)); i++ {
		lines = append(lines, p.line(i, width))
	}
	if len(p.shown) == 0 {
		lines = append(lines, cut("  nothing like that", width))
	}
	lines = append(lines, foot)
	lines = lines[:min(len(lines), height)]
	return "\x1b[H" + strings.Join(lines, "\x1b[K\r\n") + "\x1b[J" +
		fmt.Sprintf("\x1b[%d;%dH", len(head), columns(filter)+1)
}

// help tells what the keys do, as far as there is room.
func (p *picker) help(width int) string {
	chosen := 0
	for _, c := range p.choices {
		if c.Chosen {
			chosen++
		}
	}
	count := fmt.Sprintf("%d of %d", chosen, len(p.choices))
	for _, help := range []string{
		"space: choose  ctrl-a: all  letters: search  enter: done  esc: stop",
		"space: choose  enter: done  esc: stop",
		"space choose, enter done",
	} {
		if line := count + "  " + help; len(line) <= width {
			return line
		}
	}
	return count
}

func (p *picker) line(i, width int) string {
	c := p.choices[p.shown[i]]
	mark, box := "  ", "[ ] "
	if i == p.at {
		mark = "> "
	}
	if c.Chosen {
		box = "[x] "
	}
	return cut(mark+box+cut(c.Text, width-len(mark)-len(box)), width)
}

// cut shortens a text to the width in its middle: names differ at either end.
func cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	const gap = ".."
	runes := []rune(text)
	head, tail := 0, len(runes)
	left := width - len(gap)
	for left > 0 && head < tail {
		from := &head
		if head > len(runes)-tail {
			from = &tail
		}
		r := runes[head]
		if from == &tail {
			r = runes[tail-1]
		}
		if left -= columns(string(r)); left < 0 {
			break
		}
		if from == &head {
			head++
		} else {
			tail--
		}
	}
	return string(runes[:head]) + gap[:max(0, min(len(gap), width))] + string(runes[tail:])
}

// columns is how wide a text is at most: letters from the Korean ones on may take two
// columns (https://www.unicode.org/reports/tr11/).
func columns(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}
