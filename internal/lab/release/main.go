// Command release is what making a release takes besides GoReleaser:
//
//	release tool         prints the path of GoReleaser, which it builds into the user's
//	                     cache directory if it is not there
//	release list DIST    prints what a snapshot has left in DIST, and fails unless that is
//	                     what a release consists of
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"vaws/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "tool":
		path, err := lab.BuildGoReleaser(ctx, os.Stderr)
		if err == nil {
			fmt.Fprintln(out, path)
		}
		return err
	case len(args) == 2 && args[0] == "list":
		return list(out, args[1])
	}
	return errors.New("usage: release tool | release list DIST")
}
