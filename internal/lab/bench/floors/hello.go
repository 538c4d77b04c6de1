//go:build ignore

// Command hello prints a line: what it costs to start a Go program.
package main

import "os"

func main() {
	_, _ = os.Stdout.WriteString("hello\n")
}
