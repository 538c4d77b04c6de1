package cache

import (
	"bytes"
	"testing"
)

func TestEveryFlippedBitIsAMiss(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	path := entryFile(t, c, credentialsEntry)
	file := readFile(t, path)
	for i := range file {
		for bit := range 8 {
			spoilt := bytes.Clone(file)
			spoilt[i] ^= 1 << bit
			if _, err := c.key.unseal(spoilt, entryName{credentialsEntry, request.Key()}.identity()); err == nil {
				t.Fatalf("unsealed with bit %d of byte %d flipped", bit, i)
			}
		}
		spoilt := bytes.Clone(file)
		spoilt[i] ^= 0xff
		writeFile(t, path, spoilt, 0o600)
		if got := c.Load(t.Context(), request); got.Credentials != nil {
			t.Fatalf("loaded with byte %d flipped", i)
		}
	}
	save(t, c, request, minted)
	if got := c.Load(t.Context(), request); got.Credentials == nil || *got.Credentials != minted {
		t.Error("a corrupt entry is not replaced")
	}
}

func TestEveryTruncationIsAMiss(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	path := entryFile(t, c, credentialsEntry)
	file := readFile(t, path)
	for size := range file {
		writeFile(t, path, file[:size], 0o600)
		if got := c.Load(t.Context(), request); got.Credentials != nil {
			t.Fatalf("loaded %d of %d bytes", size, len(file))
		}
	}
	writeFile(t, path, append(bytes.Clone(file), 0), 0o600)
	if got := c.Load(t.Context(), request); got.Credentials != nil {
		t.Error("loaded with a byte too many")
	}
}

func TestOtherVersionIsAMiss(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	n := entryName{credentialsEntry, request.Key()}
	for _, line := range []string{`{"vaws":2,"key":"` + c.key.id + `"}`, `{"key":"` + c.key.id + `"}`} {
		// Properly sealed: a later version with the same key wrote it.
		writeFile(t, c.entryPath(c.key, n), c.key.seal([]byte(line), n.identity(), []byte("{}")), 0o600)
		if got := c.Load(t.Context(), request); got.Credentials != nil {
			t.Errorf("loaded an entry with header %s", line)
		}
	}
}

func TestRenamedEntryIsAMiss(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	if err := c.SaveFailure(t.Context(), request, failed); err != nil {
		t.Fatal(err)
	}
	mine := readFile(t, entryFile(t, c, credentialsEntry))
	writeFile(t, c.entryPath(c.key, entryName{credentialsEntry, another.Key()}), mine, 0o600)
	writeFile(t, c.entryPath(c.key, entryName{failureEntry, request.Key()}), mine, 0o600)
	if got := c.Load(t.Context(), another); got.Credentials != nil {
		t.Error("an entry under another request's name is served")
	}
	if got := c.Load(t.Context(), request); got.Failure != nil {
		t.Error("credentials are read as a failure")
	}
}

func TestPayloadThatDoesNotFitIsAMiss(t *testing.T) {
	c := open(t, options(t))
	save(t, c, request, minted)
	n := entryName{credentialsEntry, request.Key()}
	for _, payload := range []string{"", "{}", "null", "[]", "{\"AccessKeyID\":1}"} {
		if err := c.writeEntry(c.key, n, credentialsHeader(request, minted), []byte(payload)); err != nil {
			t.Fatal(err)
		}
		if got := c.Load(t.Context(), request); got.Credentials != nil {
			t.Errorf("payload %s: loaded %+v", payload, got.Credentials)
		}
	}
}

func TestSealIsRandomised(t *testing.T) {
	k := newKey()
	if bytes.Equal(k.seal([]byte("{}"), "a", []byte("same")), k.seal([]byte("{}"), "a", []byte("same"))) {
		t.Error("sealing the same twice gives the same")
	}
}
