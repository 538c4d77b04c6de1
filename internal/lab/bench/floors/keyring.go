//go:build ignore

// Command keyring reads one secret from the OS keyring with go-keyring and prints how
// long it is: what a program costs that keeps a credential there.
//
//	keyring SERVICE USER
package main

import (
	"fmt"
	"os"

	"github.com/zalando/go-keyring"
)

func main() {
	secret, err := keyring.Get(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "keyring: error:", err)
		os.Exit(1)
	}
	fmt.Println(len(secret))
}
