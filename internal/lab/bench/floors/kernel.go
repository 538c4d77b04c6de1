//go:build ignore

// Command kernel reads a key from the kernel keyring, opens one sealed entry with it
// and prints how long that is: the least that a cache hit has to do.
//
//	kernel DESCRIPTION FILE IDENTITY
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	n, err := open(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernel: error:", err)
		os.Exit(1)
	}
	fmt.Println(n)
}

// open returns the length of what is sealed in the file; see internal/cache/sealed.go
// for its form.
func open(description, file, identity string) (int, error) {
	secret, err := key(description)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	line := bytes.IndexByte(text, '\n') + 1
	block, err := aes.NewCipher(secret)
	if err != nil {
		return 0, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return 0, err
	}
	payload, err := aead.Open(nil, nil, text[line:], append(bytes.Clone(text[:line]), identity...))
	return len(payload), err
}

func key(description string) ([]byte, error) {
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", description, 0)
	if err != nil {
		return nil, err
	}
	var text [128]byte
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, text[:], 0)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(string(text[:n]))
}
