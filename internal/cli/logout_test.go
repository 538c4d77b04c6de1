package cli

import (
	"path/filepath"
	"testing"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
)

var (
	testLogin   = credentials.Login{Address: "https://vault.example.com:8200", Method: "userpass", Mount: "userpass", Role: "alice"}
	testRequest = credentials.Request{Address: testLogin.Address, Mount: "aws", Role: "user"}
)

// testCache is a cache with a token, and with an IAM user that ends with it.
func testCache(t *testing.T) (*cache.Cache, credentials.Token) {
	t.Helper()
	dir := t.TempDir()
	store, err := cache.Open(t.Context(), cache.Options{Dir: filepath.Join(dir, "vaws"), Mode: cache.File, KeyFile: filepath.Join(dir, "key")})
	if err != nil {
		t.Fatal(err)
	}
	token := credentials.Token{Login: testLogin, Value: "hvs.old"}
	if err := store.SaveToken(t.Context(), testLogin, token); err != nil {
		t.Fatal(err)
	}
	saveUser(t, store, "AKIAOLD", token)
	return store, token
}

func saveUser(t *testing.T, store *cache.Cache, id string, token credentials.Token) {
	t.Helper()
	end := time.Now().Add(time.Hour)
	err := store.Save(t.Context(), testRequest, credentials.Credentials{
		Kind: credentials.IAMUser, AccessKeyID: id, SecretAccessKey: "s",
		Lease: credentials.Lease{ID: "aws/creds/user/" + id, Issued: time.Now(), Expiry: end, VaultEnd: end, Token: token.Digest()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inBackground calls logout's forget while the test holds the lock, and returns when it
// waits for that, as far as can be told.
func inBackground(t *testing.T, store *cache.Cache, token credentials.Token) (done func()) {
	t.Helper()
	ended := make(chan error, 1)
	s := &session{console: console{out: t.Output(), err: t.Output()}, now: time.Now, calm: func() {}}
	go func() { ended <- logoutCommand{}.forget(t.Context(), s, store, token) }()
	time.Sleep(50 * time.Millisecond)
	return func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestLogoutKeepsAUserThatAnotherTokenMadeMeanwhile(t *testing.T) {
	store, token := testCache(t)
	unlock, err := store.Lock(t.Context(), testRequest)
	if err != nil {
		t.Fatal(err)
	}
	done := inBackground(t, store, token)
	saveUser(t, store, "AKIANEW", credentials.Token{Value: "hvs.new"})
	unlock()
	done()
	if got := store.Load(t.Context(), testRequest).Credentials; got == nil || got.AccessKeyID != "AKIANEW" {
		t.Errorf("kept: %v", got)
	}
}

func TestLogoutForgetsWhatIsOfTheTokenThatCameMeanwhile(t *testing.T) {
	store, token := testCache(t)
	unlock, err := store.LockToken(t.Context(), testLogin)
	if err != nil {
		t.Fatal(err)
	}
	done := inBackground(t, store, token)
	fresh := credentials.Token{Login: testLogin, Value: "hvs.new"}
	if err := store.SaveToken(t.Context(), testLogin, fresh); err != nil {
		t.Fatal(err)
	}
	saveUser(t, store, "AKIANEW", fresh)
	unlock()
	done()
	if got := store.LoadToken(t.Context(), testLogin); got.Value != "" {
		t.Error("the new token is kept")
	}
	if got := store.Load(t.Context(), testRequest).Credentials; got != nil {
		t.Errorf("kept: %v", got.AccessKeyID)
	}
}
