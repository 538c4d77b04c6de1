package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Measures in pixels. Text is stretched to its cells, so that columns stand under
// each other in whatever font there is.
const (
	cellWidth  = 8.4
	cellHeight = 19
	fontSize   = 14
	margin     = 16
)

// looks are the colours, for light and for dark surroundings. Each has a contrast of
// 4.5 or more to its background (WCAG 2.2, criterion 1.4.3).
const looks = `
text{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre;fill:#1f2328}
rect{fill:#f6f8fa;stroke:#d0d7de}
.b{font-weight:bold}.d{fill:#59636e}.u{text-decoration:underline}
.c2,.c10{fill:#b31d28}.c3,.c11{fill:#116329}.c4,.c12{fill:#7d4e00}.c5,.c13{fill:#0550ae}.c6,.c14{fill:#6639ba}.c7,.c15{fill:#14606b}.c9{fill:#59636e}
.r{fill:#1f2328;stroke:none}.ri{fill:#f6f8fa}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}rect{fill:#161b22;stroke:#30363d}.d,.c9{fill:#9198a1}
.c2,.c10{fill:#ff7b72}.c3,.c11{fill:#7ee787}.c4,.c12{fill:#e3b341}.c5,.c13{fill:#79c0ff}.c6,.c14{fill:#d2a8ff}.c7,.c15{fill:#76e3ea}
.r{fill:#e6edf3}.ri{fill:#161b22}}
`

// draw makes an SVG of what a screen shows.
func draw(p picture, s *screen) []byte {
	lines := s.lines
	for len(lines) > 0 && len(spans(lines[len(lines)-1])) == 0 {
		lines = lines[:len(lines)-1]
	}
	width, height := float64(s.width)*cellWidth+2*margin, len(lines)*cellHeight+2*margin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img" aria-labelledby="t d">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&out, "<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n<style>%s</style>\n", escape(p.title), escape(p.about), looks)
	fmt.Fprintf(&out, `<rect x=".5" y=".5" width="%.0f" height="%d" rx="8"/>`+"\n", width-1, height-1)
	for i, line := range lines {
		for _, r := range spans(line) {
			drawSpan(&out, r, i)
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func drawSpan(out *bytes.Buffer, r span, line int) {
	x, length := margin+float64(r.col)*cellWidth, float64(utf8.RuneCountInString(r.text))*cellWidth
	y := margin + line*cellHeight
	if r.style.reverse {
		fmt.Fprintf(out, `<rect class="r" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", x, y, length, cellHeight)
	}
	fmt.Fprintf(out, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`+"\n",
		x, y+fontSize, length, class(r.style), escape(r.text))
}

// class names the looks of a style.
func class(s style) string {
	var names []string
	for _, flag := range []struct {
		is   bool
		name string
	}{{s.bold, "b"}, {s.dim, "d"}, {s.underline, "u"}} {
		if flag.is {
			names = append(names, flag.name)
		}
	}
	if s.reverse {
		names = append(names, "ri")
	} else if s.color > 0 {
		names = append(names, fmt.Sprintf("c%d", s.color))
	}
	if len(names) == 0 {
		return ""
	}
	return ` class="` + strings.Join(names, " ") + `"`
}

// escape makes text of XML. Blanks within it are kept by the style's white-space.
func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text))
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(out.String())
}
