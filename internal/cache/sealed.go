package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// A sealed file is one line that anybody may read, the header, and then a
// random nonce and AES-256-GCM ciphertext. The header and the identity of the
// file (what it is and for whom, which is not in it) are authenticated with
// the payload: a file that was altered, or that was put in the place of
// another, does not open.

var errSealBroken = errors.New("the seal is broken")

func newAEAD(secret []byte) cipher.AEAD {
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err) // the length of the secret is fixed
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	return aead
}

// seal returns the file for payload. The header must not contain a newline.
func (k *key) seal(header []byte, identity string, payload []byte) []byte {
	line := append(bytes.Clone(header), '\n')
	return k.aead.Seal(line, nil, payload, associated(line, identity))
}

// unseal returns the payload of a file that this key sealed for the identity.
func (k *key) unseal(file []byte, identity string) ([]byte, error) {
	line, sealed, err := splitFile(file)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(line)
	if err != nil {
		return nil, err
	}
	if h.KeyID != k.id {
		return nil, fmt.Errorf("sealed with key %q", h.KeyID)
	}
	payload, err := k.aead.Open(nil, nil, sealed, associated(line, identity))
	if err != nil {
		return nil, errSealBroken // the library's words are "message authentication failed"
	}
	return payload, nil
}

// splitFile cuts a file behind its header's newline.
func splitFile(file []byte) (line, sealed []byte, err error) {
	end := bytes.IndexByte(file, '\n')
	if end < 0 {
		return nil, nil, errors.New("no header line")
	}
	return file[:end+1], file[end+1:], nil
}

// associated is unambiguous: the header ends at its newline.
func associated(line []byte, identity string) []byte {
	return append(bytes.Clone(line), identity...)
}
