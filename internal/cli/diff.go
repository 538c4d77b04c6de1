package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// shownAround is how many lines around a change are shown, as by diff -u.
const shownAround = 3

// edit is a line of a difference: ' ' in both, '-' in the old text, '+' in the new one.
type edit struct {
	mark     byte
	text     string
	old, new int // how many lines of either text stand before it
}

// difference shows how a file changes, as diff -u does. A text of nil stands for no
// file.
func difference(path string, old, new []byte) []byte {
	var out bytes.Buffer
	for _, side := range []struct {
		mark string
		text []byte
	}{{"---", old}, {"+++", new}} {
		name := path
		if side.text == nil {
			name = "/dev/null"
		}
		fmt.Fprintf(&out, "%s %s\n", side.mark, printable(name))
	}
	edits := compare(lines(old), lines(new))
	for len(edits) > 0 {
		var hunk []edit
		if hunk, edits = nextHunk(edits); len(hunk) > 0 {
			writeHunk(&out, hunk)
		}
	}
	return out.Bytes()
}

// nextHunk is the first change with what is around it, and the changes that are too near
// to it for a hunk of their own. It is empty if there is none.
func nextHunk(edits []edit) (hunk, rest []edit) {
	first := slices.IndexFunc(edits, func(e edit) bool { return e.mark != ' ' })
	if first < 0 {
		return nil, nil
	}
	last, quiet := first, 0
	for i := first; i < len(edits) && quiet <= 2*shownAround; i++ {
		if quiet++; edits[i].mark != ' ' {
			last, quiet = i, 0
		}
	}
	end := min(last+1+shownAround, len(edits))
	return edits[max(first-shownAround, 0):end], edits[end:]
}

// writeHunk writes the lines below a header that tells where they are in either text.
func writeHunk(out *bytes.Buffer, hunk []edit) {
	place := func(before int, other byte) string {
		count := 0
		for _, e := range hunk {
			if e.mark != other {
				count++
			}
		}
		return fmt.Sprintf("%d,%d", before+min(count, 1), count) // of no lines, the one before them
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", place(hunk[0].old, '+'), place(hunk[0].new, '-'))
	for _, e := range hunk {
		fmt.Fprintf(out, "%c%s\n", e.mark, e.text)
	}
}

// lines are those of a text without their ends. The last one says so if it has none.
func lines(data []byte) []string {
	var all []string
	for line := range bytes.Lines(data) {
		text := printable(strings.TrimRight(string(line), "\r\n"))
		if line[len(line)-1] != '\n' {
			text += "\n\\ No newline at end of file"
		}
		all = append(all, text)
	}
	return all
}

// mostCompared bounds the table of compare.
const mostCompared = 4_000_000

// compare finds what two texts have in common: what they begin and end with, and in
// between the longest common subsequence, unless that would take too long.
func compare(old, new []string) []edit {
	head := 0
	for head < min(len(old), len(new)) && old[head] == new[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(new))-head && old[len(old)-1-tail] == new[len(new)-1-tail] {
		tail++
	}
	endOld, endNew := len(old)-tail, len(new)-tail
	length := func(i, j int) int { return 0 }
	if rows, columns := endOld-head+1, endNew-head+1; rows*columns <= mostCompared {
		length = commonLengths(old[head:endOld], new[head:endNew])
	}
	var edits []edit
	for i, j := 0, 0; i < len(old) || j < len(new); {
		switch {
		case i < head || i >= endOld && j >= endNew || i < endOld && j < endNew && old[i] == new[j]:
			edits = append(edits, edit{' ', old[i], i, j})
			i, j = i+1, j+1
		case j >= endNew || i < endOld && length(i+1-head, j-head) >= length(i-head, j+1-head):
			edits = append(edits, edit{'-', old[i], i, j})
			i++
		default:
			edits = append(edits, edit{'+', new[j], i, j})
			j++
		}
	}
	return edits
}

// commonLengths tells how many lines old[i:] and new[j:] have in common.
func commonLengths(old, new []string) func(i, j int) int {
	width := len(new) + 1
	table := make([]int32, (len(old)+1)*width)
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(new) - 1; j >= 0; j-- {
			if old[i] == new[j] {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	return func(i, j int) int { return int(table[i*width+j]) }
}
