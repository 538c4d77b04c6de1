package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vaws/internal/credentials"
)

var (
	login = credentials.Login{Address: "https://vault.example.com:8200", Namespace: "team", Method: "approle", Mount: "approle", Role: "5d2f0a1c-role-id"}
	token = credentials.Token{Login: login, Value: "hvs.CAESIJfirst", Renewable: true}
)

func saveToken(t testing.TB, c *Cache, l credentials.Login, token credentials.Token) {
	t.Helper()
	must(t, c.SaveToken(t.Context(), l, token))
}

func TestTokenIsLoadedByTheNextProcess(t *testing.T) {
	o := options(t)
	token := token
	token.Expiry, token.Life = o.Now().Add(time.Hour), time.Hour
	saveToken(t, open(t, o), login, token)
	if got := open(t, o).LoadToken(t.Context(), login); got != token {
		t.Errorf("loaded %+v, want %+v", got, token)
	}
	other := login
	other.Role = "another"
	if got := open(t, o).LoadToken(t.Context(), other); got.Value != "" {
		t.Error("another log-in is served")
	}
}

func TestTokenFileTellsNeitherTokenNorRole(t *testing.T) {
	c := open(t, options(t))
	saveToken(t, c, login, token)
	files, err := filepath.Glob(filepath.Join(c.entriesDir(), "*"+tokenEntry))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	data := readFile(t, files[0])
	for _, secret := range []string{token.Value, login.Role} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the file shows %q", secret)
		}
	}
}

func TestForgottenTokenIsGone(t *testing.T) {
	o := options(t)
	c := open(t, o)
	saveToken(t, c, login, token)
	other := login
	other.Role = "another"
	saveToken(t, c, other, credentials.Token{Login: other, Value: "hvs.CAESIJsecond"})
	choice := credentials.Login{Address: login.Address}
	saveToken(t, c, choice, credentials.Token{Login: login})
	all, err := c.Tokens(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("tokens %v, %v", all, err)
	}
	must(t, c.ForgetToken(t.Context(), login), c.ForgetToken(t.Context(), login))
	if got := c.LoadToken(t.Context(), login); got.Value != "" {
		t.Error("it is still there")
	}
	if got := c.LoadToken(t.Context(), choice); got.Login.Method != "" {
		t.Error("it is still the chosen one")
	}
	all, err = open(t, o).Tokens(t.Context())
	if err != nil || len(all) != 1 || all[0].Login != other {
		t.Errorf("tokens %v, %v", all, err)
	}
}

func TestTokenCannotStandForAnother(t *testing.T) {
	c := open(t, options(t))
	saveToken(t, c, login, token)
	other := login
	other.Address = "https://elsewhere.example.com"
	from := c.entryPath(c.key, entryName{tokenEntry, login.Key()})
	must(t, os.Rename(from, c.entryPath(c.key, entryName{tokenEntry, other.Key()})))
	if got := c.LoadToken(t.Context(), other); got.Value != "" {
		t.Error("a renamed file is served")
	}
}

func TestTokenLock(t *testing.T) {
	o := options(t)
	o.LockWait = time.Millisecond
	c := open(t, o)
	unlock, err := c.LockToken(t.Context(), login)
	must(t, err)
	defer unlock()
	if _, err := c.LockToken(t.Context(), login); !errors.Is(err, errTokenLockTimeout) {
		t.Errorf("locked twice: %v", err)
	}
}

func TestNoCacheHasNoTokens(t *testing.T) {
	c := open(t, options(t))
	if all, err := c.Tokens(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("tokens %v, %v", all, err)
	}
	must(t, c.ForgetToken(t.Context(), login))
}

func TestTokensThatDoNotEndAreNotSweptAway(t *testing.T) {
	clock := &clock{start}
	o := options(t)
	o.Now = clock.Now
	c := open(t, o)
	ended := login
	ended.Role = "ended"
	saveToken(t, c, login, token)
	saveToken(t, c, ended, credentials.Token{Login: ended, Value: "hvs.CAESIJended", Expiry: start.Add(time.Hour), Life: time.Hour})
	clock.now = start.Add(100 * day)
	for _, l := range []credentials.Login{login, ended} {
		age(t, c.entryPath(c.key, entryName{tokenEntry, l.Key()}), start)
	}
	save(t, c, request, minted)
	if c.LoadToken(t.Context(), login).Value == "" {
		t.Error("a token without an end was removed")
	}
	if c.LoadToken(t.Context(), ended).Value != "" {
		t.Error("a token that ended long ago is still there")
	}
}
