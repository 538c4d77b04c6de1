package main

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestPlotIsWellFormedAndHoldsItsPoints(t *testing.T) {
	p := plot{name: "x", title: `a < b & "c"`, about: "about", xLabel: "x", yLabel: "y", logarithmic: true,
		curves: []curve{{"one", 0, false, map[int]float64{1: 5, 500: 3000}}, {"two", 1, true, map[int]float64{1: 6, 10: 40}}}}
	svg := string(p.draw())
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
	for _, want := range []string{
		`points="76.0,386.0 720.0,112.0"`, // from the least to the most, in size and value
		`class="c1 dash"`, "a &lt; b &amp; ",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if got := strings.Count(svg, "<circle"); got != 4 {
		t.Errorf("%d circles for 4 points", got)
	}
}

// The plots of the page can be drawn of what the series bring.
func TestHerdAndGrowthPlots(t *testing.T) {
	herds := map[int]herdsOfSize{1: {wall: 5}, 200: {wall: 900}}
	s := herdSeries{"here", herds, herds, map[int]float64{1: 5, 200: 1000}}
	if svg := string(herdPlot([]herdSeries{s, s}).draw()); strings.Count(svg, "<circle") != 10 || !strings.Contains(svg, "one after the other") {
		t.Errorf("got %s", svg)
	}
	if svg := string(growthPlot([]growth{{"entries", map[int]float64{1: 4, 10_000: 4.1}}}).draw()); strings.Count(svg, "<circle") != 2 {
		t.Errorf("got %s", svg)
	}
}

func TestTicks(t *testing.T) {
	for most, want := range map[float64][]float64{
		4.2: {0, 1, 2, 3, 4, 5}, 9: {0, 2, 4, 6, 8, 10}, 0.9: {0, 0.2, 0.4, 0.6, 0.8, 1}, 2.2: {0, 0.5, 1, 1.5, 2, 2.5},
	} {
		got := linear(most, 100, 0)
		if len(got.ticks) != len(want) {
			t.Errorf("up to %v: %v, want %v", most, got.ticks, want)
		}
		if got.at(0) != 100 || got.at(most) < 0 || got.at(most) > 30 {
			t.Errorf("up to %v: from %v to %v", most, got.at(0), got.at(most))
		}
	}
	if got := logarithmic(1, 500, 0, 1).ticks; !reflect.DeepEqual(got, []float64{1, 2, 5, 10, 20, 50, 100, 200, 500}) {
		t.Errorf("got %v", got)
	}
	if got := logarithmic(1, 10_000, 0, 1).ticks; !reflect.DeepEqual(got, []float64{1, 10, 100, 1000, 10_000}) {
		t.Errorf("got %v", got)
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{0.2: "0.2", 5: "5", 999: "999", 1000: "1,000", 10_000: "10,000", 11_763_074: "11,763,074"} {
		if got := number(value); got != want {
			t.Errorf("%v: %s, want %s", value, got, want)
		}
	}
}
