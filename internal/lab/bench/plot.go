package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// plot is a diagram of curves over sizes, on a logarithmic scale.
type plot struct {
	name, title, about string
	xLabel, yLabel     string
	// logarithmic is the y axis; otherwise it begins at zero.
	logarithmic bool
	curves      []curve
}

// curve is what was measured for each size.
type curve struct {
	name   string
	color  int  // of plotLooks
	dashed bool // a curve that stands beside another of the same colour
	points map[int]float64
}

// Measures in pixels: the plot's, and of the rectangle within that holds the curves.
const (
	plotWidth, plotHeight = 760, 440
	left, right           = 76, 720
	upper, lower          = 112, 386
)

// plotLooks are the colours, for light and for dark surroundings. Each has a contrast of
// 4.5 or more to its background (WCAG 2.2, criterion 1.4.3).
const plotLooks = `
text{font:13px system-ui,"DejaVu Sans",sans-serif;fill:#1f2328}
.t{font-weight:bold;font-size:15px}.d{fill:#59636e}.m{text-anchor:middle}.e{text-anchor:end}
.back{fill:#f6f8fa;stroke:#d0d7de}.grid{stroke:#d0d7de}
polyline{fill:none;stroke-width:2}.dash{stroke-dasharray:6 4}
.c0{stroke:#0550ae;fill:#0550ae}.c1{stroke:#b31d28;fill:#b31d28}.c2{stroke:#59636e;fill:#59636e}
polyline.c0,polyline.c1,polyline.c2{fill:none}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.d{fill:#9198a1}.back{fill:#161b22;stroke:#30363d}.grid{stroke:#30363d}
.c0{stroke:#79c0ff;fill:#79c0ff}.c1{stroke:#ff7b72;fill:#ff7b72}.c2{stroke:#9198a1;fill:#9198a1}
}
`

// draw makes an SVG of the plot.
func (p plot) draw() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t d">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&out, "<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n<style>%s</style>\n", escape(p.title), escape(p.about), plotLooks)
	fmt.Fprintf(&out, `<rect class="back" x=".5" y=".5" width="%d" height="%d" rx="8"/>`+"\n", plotWidth-1, plotHeight-1)
	fmt.Fprintf(&out, `<text class="t" x="16" y="28">%s</text>`+"\n", escape(p.title))
	x, y := p.scales()
	drawAxes(&out, x, y)
	fmt.Fprintf(&out, `<text class="d m" x="%d" y="%d">%s</text>`+"\n", (left+right)/2, lower+42, escape(p.xLabel))
	fmt.Fprintf(&out, `<text class="d" x="16" y="%d">%s</text>`+"\n", upper-16, escape(p.yLabel))
	for i, c := range p.curves {
		c.drawLegend(&out, 16+i%legendColumns*legendWidth, 48+i/legendColumns*20)
		c.draw(&out, x, y)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// scales of the plot's axes, which hold every point.
func (p plot) scales() (x, y scale) {
	var sizes, values []float64
	for _, c := range p.curves {
		for size, value := range c.points {
			sizes, values = append(sizes, float64(size)), append(values, value)
		}
	}
	x = logarithmic(slices.Min(sizes), slices.Max(sizes), left, right)
	y = linear(slices.Max(values), lower, upper)
	if p.logarithmic {
		y = logarithmic(slices.Min(values), slices.Max(values), lower, upper)
	}
	return x, y
}

func drawAxes(out *bytes.Buffer, x, y scale) {
	for _, tick := range x.ticks {
		fmt.Fprintf(out, `<text class="d m" x="%.1f" y="%d">%s</text>`+"\n", x.at(tick), lower+20, number(tick))
	}
	for _, tick := range y.ticks {
		at := y.at(tick)
		fmt.Fprintf(out, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, at, right, at)
		fmt.Fprintf(out, `<text class="d e" x="%d" y="%.1f">%s</text>`+"\n", left-8, at+4, number(tick))
	}
}

const legendColumns, legendWidth = 3, 244

// drawLegend says which curve it is, in a line that begins at a point.
func (c curve) drawLegend(out *bytes.Buffer, x, y int) {
	fmt.Fprintf(out, `<polyline class="%s" points="%d,%d %d,%[3]d"/>`+"\n", c.class(), x, y, x+28)
	fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`+"\n", x+34, y+4, escape(c.name))
}

func (c curve) draw(out *bytes.Buffer, x, y scale) {
	var points []string
	for _, size := range slices.Sorted(maps.Keys(c.points)) {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(float64(size)), y.at(c.points[size])))
	}
	fmt.Fprintf(out, `<polyline class="%s" points="%s"/>`+"\n", c.class(), strings.Join(points, " "))
	for _, point := range points {
		cx, cy, _ := strings.Cut(point, ",")
		fmt.Fprintf(out, `<circle class="c%d" cx="%s" cy="%s" r="3"/>`+"\n", c.color, cx, cy)
	}
}

func (c curve) class() string {
	if c.dashed {
		return fmt.Sprintf("c%d dash", c.color)
	}
	return fmt.Sprintf("c%d", c.color)
}

// scale places values between two pixels.
type scale struct {
	ticks []float64
	at    func(value float64) float64
}

// linear goes from zero to a round number over most.
func linear(most, from, to float64) scale {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, part := range []float64{0.2, 0.5, 1} {
		if most <= 5*step*part {
			step *= part
			break
		}
	}
	if most > 5*step {
		step *= 2
	}
	s := scale{}
	top := math.Ceil(most/step) * step
	for i := 0; float64(i)*step <= top; i++ {
		s.ticks = append(s.ticks, float64(i)*step)
	}
	s.at = func(value float64) float64 { return from + (to-from)*value/top }
	return s
}

// logarithmic has ticks at 1, 2 and 5 times each power of ten between the bounds, or at
// the powers alone where that would be too many.
func logarithmic(least, most, from, to float64) scale {
	s := scale{at: func(value float64) float64 {
		return from + (to-from)*math.Log(value/least)/math.Log(most/least)
	}}
	parts := []float64{1, 2, 5}
	if most/least > 2000 {
		parts = []float64{1}
	}
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, part := range parts {
			if tick := power * part; tick >= least && tick <= most {
				s.ticks = append(s.ticks, tick)
			}
		}
	}
	return s
}

// number is short and has its thousands apart.
func number(value float64) string {
	if value < 1000 {
		return fmt.Sprintf("%g", math.Round(value*1000)/1000)
	}
	return fmt.Sprintf("%s,%03d", number(math.Floor(value/1000)), int(value)%1000)
}

// escape makes text of XML.
func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text))
	return out.String()
}

// herdPlot shows herds of every size.
func herdPlot(all []herdSeries) plot {
	p := plot{
		name: "herd", title: "Processes that start at once: time until the last has its credentials",
		about:  "Time over the number of processes, cached and not cached, with the key in gnome-keyring and in the kernel keyring, and of as many cached calls one after the other",
		xLabel: "processes", yLabel: "milliseconds", logarithmic: true,
	}
	for color, s := range all {
		p.curves = append(p.curves,
			curve{s.place + ", not cached", color, false, walls(s.cold)},
			curve{s.place + ", cached", color, true, walls(s.warm)})
	}
	oneByOne := curve{"cached, one after the other", len(all), true, all[0].oneByOne}
	p.curves = slices.Insert(p.curves, legendColumns-1, oneByOne) // at the end of a line of the legend
	return p
}

func walls(herds map[int]herdsOfSize) map[int]float64 {
	found := map[int]float64{}
	for n, h := range herds {
		found[n] = h.wall
	}
	return found
}

// growthPlot shows that nothing grows.
func growthPlot(all []growth) plot {
	p := plot{
		name: "growth", title: "What a hit takes with more entries and more profiles",
		about:  "Time of a cached call over the number of entries in the cache and of profiles in the AWS config",
		xLabel: "how many there are", yLabel: "milliseconds",
	}
	for color, g := range all {
		p.curves = append(p.curves, curve{g.what, color, false, g.time})
	}
	return p
}
