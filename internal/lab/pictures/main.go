// Command pictures makes the pictures of the terminal in docs/pictures: it runs the
// commands of scenes.go in a terminal, against a Vault and a stand-in for AWS that it
// starts itself, and draws what they print. Redo them with "make pictures" when what
// vaws prints has changed; a test says so.
//
// A picture does not change from run to run: addresses, times and keys are replaced
// by those of an example, and secrets cut off (mask.go).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"vaws/internal/lab"
)

func main() {
	dir := flag.String("dir", filepath.Join("..", "..", "docs", "pictures"), "`directory` for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lab.ScrubEnvironment()
	if err := run(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "pictures: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	drawn, err := drawAll(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, svg := range drawn {
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// drawAll plays every picture and returns them by name.
func drawAll(ctx context.Context) (map[string][]byte, error) {
	st, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer st.close()
	drawn := map[string][]byte{}
	for _, p := range pictures {
		screen := newScreen(columns)
		for _, s := range p.scenes {
			if err := st.play(ctx, screen, s); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", p.name, s.command, err)
			}
		}
		drawn[p.name] = draw(p, screen)
	}
	return drawn, nil
}
