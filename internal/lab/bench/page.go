package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vaws/internal/lab"
)

// block is where the figures stand on the page, between comments that lab.WriteBlock
// knows.
const block = "bench"

// plotPrefix is what the names of the plots begin with, by which they differ from what
// "make pictures" draws.
const plotPrefix = "bench-"

// write puts text and plots into docs of the repository.
func write(root, text string, plots []plot) error {
	docs := filepath.Join(root, "docs")
	for _, p := range plots {
		file := filepath.Join(docs, "pictures", plotPrefix+p.name+".svg")
		if err := os.WriteFile(file, p.draw(), 0o644); err != nil {
			return err
		}
	}
	_, err := lab.WriteBlock(filepath.Join(docs, "performance.md"), block, text)
	return err
}

// pageText is everything that the run writes into the page.
func pageText(machine string, r results, plots []plot, benchmarks []benchmark) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n%s", machine, table(r))
	for _, p := range plots {
		fmt.Fprintf(&text, "\n![%s](pictures/%s.svg)\n", p.about, plotPrefix+p.name)
	}
	fmt.Fprintf(&text, "\nInside one process (Go benchmarks, per operation):\n\n%s", benchmarkTable(benchmarks))
	return text.String()
}

// table has the rows that were measured.
func table(r results) string {
	text := "| what | figure | target | met |\n| --- | --- | --- | --- |\n"
	for _, row := range rows {
		if _, measured := r[row.id]; !measured {
			continue
		}
		target, met := "", ""
		if row.met != nil {
			target, met = row.target, verdict(row.met(r[row.id].value))
		}
		text += fmt.Sprintf("| %s | %s | %s | %s |\n", row.what, r[row.id].figure, target, met)
	}
	return text
}

func verdict(met bool) string {
	if met {
		return "yes"
	}
	return "**no**"
}

func benchmarkTable(benchmarks []benchmark) string {
	text := "| room | benchmark | time | memory | allocations |\n| --- | --- | --- | --- | --- |\n"
	for _, b := range benchmarks {
		text += fmt.Sprintf("| %s | `%s` | %s | %s | %.0f |\n", b.room, b.name, duration(b.nanoseconds), size(b.bytes), b.allocation)
	}
	return text
}

func duration(ns float64) string {
	if ns < 1e6 {
		return fmt.Sprintf("%.1f µs", ns/1e3)
	}
	return fmt.Sprintf("%.1f ms", ns/1e6)
}

func size(bytes float64) string {
	if bytes < 1e6 {
		return fmt.Sprintf("%.1f kB", bytes/1e3)
	}
	return fmt.Sprintf("%.1f MB", bytes/1e6)
}
