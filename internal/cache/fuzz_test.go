package cache

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"vaws/internal/credentials"
)

// FuzzEntry puts bytes in the place of an entry: those of a sealed file from begin to
// end replaced by splice, of the same entry or of another one. Only what is to the byte
// what was sealed for that place opens, and whatever else looks at the file copes.
func FuzzEntry(f *testing.F) {
	const all = 1 << 20 // beyond the end
	f.Add(byte(0), byte(0), uint(0), uint(0), []byte{})
	f.Add(byte(1), byte(1), uint(0), uint(0), []byte{})
	f.Add(byte(2), byte(2), uint(0), uint(0), []byte{})
	f.Add(byte(3), byte(0), uint(0), uint(0), []byte{})
	f.Add(byte(0), byte(0), uint(5), uint(6), []byte("x"))
	f.Add(byte(0), byte(0), uint(1), uint(1), []byte(" "))   // the header means the same
	f.Add(byte(2), byte(2), uint(70), uint(71), []byte("X")) // another address
	f.Add(byte(2), byte(2), uint(8), uint(9), []byte("2"))
	f.Add(byte(0), byte(0), uint(0), uint(all), []byte(`{"vaws":1,"key":"5852c6d95e20c379","type":"sts","address":"https://a","mount":"aws","role":"r"}`+"\nabc"))
	f.Add(byte(0), byte(0), uint(0), uint(all), []byte("null\n"))
	o := options(f)
	writeFile(f, o.KeyFile, []byte(strings.Repeat("0123456789abcdef", keySize/8)), 0o600)
	var debugged []string
	o.Debug = func(format string, args ...any) { debugged = append(debugged, fmt.Sprintf(format, args...)) }
	c := open(f, o)
	save(f, c, request, minted)
	save(f, c, another, minted)
	must(f, c.SaveFailure(f.Context(), request, failed))
	saveToken(f, c, login, token)
	places := []entryName{
		{credentialsEntry, request.Key()}, {failureEntry, request.Key()}, {tokenEntry, login.Key()}, {credentialsEntry, another.Key()},
	}
	var sealed [][]byte
	for _, n := range places {
		sealed = append(sealed, readFile(f, c.entryPath(c.key, n)))
	}
	f.Fuzz(func(t *testing.T, place, source byte, begin, end uint, splice []byte) {
		to := int(place) % len(places)
		data := spliced(sealed[int(source)%len(sealed)], begin, end, splice)
		path := c.entryPath(c.key, places[to])
		writeFile(t, path, data, 0o600)
		defer writeFile(t, path, sealed[to], 0o600)
		debugged = nil
		if got, want := opens(t, c, to), bytes.Equal(data, sealed[to]); got != want {
			t.Errorf("opened: %v, altered: %v", got, !want)
		}
		lookAround(t, c, path)
		for _, secret := range []string{minted.SecretAccessKey, minted.SessionToken, token.Value, c.key.text()} {
			if strings.Contains(strings.Join(debugged, "\n"), secret) {
				t.Errorf("told: %q", debugged)
			}
		}
	})
}

// spliced is file with what is between begin and end replaced.
func spliced(file []byte, begin, end uint, splice []byte) []byte {
	from := min(begin, uint(len(file)))
	to := min(max(from, end), uint(len(file)))
	return bytes.Join([][]byte{file[:from], splice, file[to:]}, nil)
}

// opens reports whether the place has what was saved there; anything else than that
// and nothing is an error.
func opens(t *testing.T, c *Cache, place int) bool {
	t.Helper()
	switch place {
	case 1:
		got := c.Load(t.Context(), request)
		if got.Failure != nil && got.Failure.Message != failed.Message {
			t.Errorf("loaded %+v", got.Failure)
		}
		return got.Failure != nil
	case 2:
		got := c.LoadToken(t.Context(), login)
		if got != token && got != (credentials.Token{}) {
			t.Errorf("loaded %+v", got)
		}
		return got == token
	}
	got := c.Load(t.Context(), []credentials.Request{request, {}, {}, another}[place]).Credentials
	if got != nil && *got != minted {
		t.Errorf("loaded %+v", got)
	}
	return got != nil
}

// lookAround is what status, list, logout, completion and the sweep see.
func lookAround(t *testing.T, c *Cache, path string) {
	t.Helper()
	kept, err := c.List(t.Context())
	if err != nil || len(kept) != 2 {
		t.Errorf("listed %d entries, %v", len(kept), err)
	}
	for _, k := range kept {
		if k.Sealed == nil && k.Credentials != minted {
			t.Errorf("listed %+v", k)
		}
	}
	if _, err := c.Tokens(t.Context()); err != nil {
		t.Error(err)
	}
	Roles(c.Dir(), 10)
	entryIsOver(path, sweepUnread-1, start)
}
