package main

import (
	"reflect"
	"testing"
)

func TestParseHyperfine(t *testing.T) {
	text := `{"results":[{"command":"a","median":1,"times":[0.001,0.0025]},{"command":"b","times":[0.1]}]}`
	got, err := parseHyperfine([]byte(text), 2)
	if want := [][]float64{{1, 2.5}, {100}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{`{"results":[]}`, `{"results":[{"times":[1]},{"times":[]}]}`, `{`, ``} {
		if got, err := parseHyperfine([]byte(bad), 2); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
}

func TestPercentile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{[]float64{7}, 50, 7},
		{[]float64{7}, 99, 7},
		{[]float64{3, 1, 2}, 50, 2},
		{[]float64{4, 1, 3, 2}, 50, 2.5},
		{[]float64{1, 2, 3, 4, 5}, 100, 5},
		{[]float64{1, 2, 3, 4, 5}, 0, 1},
		{[]float64{10, 20}, 75, 17.5},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("percentile %v of %v: %v, want %v", c.p, c.values, got, c.want)
		}
	}
	values := []float64{3, 1, 2}
	percentile(values, 50)
	if !reflect.DeepEqual(values, []float64{3, 1, 2}) {
		t.Errorf("the values were sorted in place: %v", values)
	}
}

// A machine that becomes twice as slow halfway does not change a ratio.
func TestRatiosAreOfOneRound(t *testing.T) {
	a := side{{2, 2, 9}, {4, 4, 4}, {4, 4, 4}}
	b := side{{1, 1, 1}, {2, 2, 2}, {2, 1, 2}}
	if got := a.against(b); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
	if got := a.least(); got != 2 {
		t.Errorf("least %v, want 2", got)
	}
	if got := a.median(); got != 4 {
		t.Errorf("median %v, want 4", got)
	}
}
