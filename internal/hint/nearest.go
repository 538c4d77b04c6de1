package hint

import (
	"slices"
	"strings"
)

// Nearest returns at most three of the candidates that word may have been meant
// to be: those that are the fewest typing errors away, or else contain it.
func Nearest(word string, candidates []string) []string {
	var near, containing []string
	fewest := min(max(1, len(word)/3), 3)
	for _, c := range candidates {
		edits := distance(strings.ToLower(word), strings.ToLower(c))
		if edits < fewest {
			near, fewest = nil, edits
		}
		if edits == fewest && !slices.Contains(near, c) {
			near = append(near, c)
		}
		if len(word) >= 3 && strings.Contains(c, word) && !slices.Contains(containing, c) {
			containing = append(containing, c)
		}
	}
	if len(near) == 0 {
		near = containing
	}
	return near[:min(3, len(near))]
}

// DidYouMean is the hint for the nearest candidates, or empty when none is near.
func DidYouMean(word string, candidates []string) string {
	near := Nearest(word, candidates)
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(near, ", ") + "?"
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	var before []int // the row before the last, for swaps
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
