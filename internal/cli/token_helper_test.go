package cli

import (
	"path/filepath"
	"testing"
	"time"

	"vaws/internal/cache"
	"vaws/internal/credentials"
)

func TestEraseComesAfterARenewalThatIsOnItsWay(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
	env := map[string]string{"VAULT_ADDR": testLogin.Address, "VAWS_CACHE_KEY_FILE": filepath.Join(dir, "key"), "AWS_CONFIG_FILE": filepath.Join(dir, "config")}
	store, err := cache.Open(t.Context(), cache.Options{KeyFile: env["VAWS_CACHE_KEY_FILE"]})
	if err != nil {
		t.Fatal(err)
	}
	choice := credentials.Login{Address: testLogin.Address}
	token := credentials.Token{Login: testLogin, Value: "hvs.token"}
	for l, value := range map[credentials.Login]credentials.Token{testLogin: token, choice: {Login: testLogin}} {
		if err := store.SaveToken(t.Context(), l, value); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := store.LockToken(t.Context(), testLogin)
	if err != nil {
		t.Fatal(err)
	}
	erased := make(chan string, 1)
	go func() {
		_, _, stderr := call(t, env, "token-helper", "erase")
		erased <- stderr
	}()
	time.Sleep(50 * time.Millisecond)
	if err := store.SaveToken(t.Context(), testLogin, token); err != nil {
		t.Fatal(err)
	}
	unlock()
	if stderr := <-erased; stderr != "" {
		t.Error(stderr)
	}
	if store.LoadToken(t.Context(), testLogin).Value != "" {
		t.Error("the token is back")
	}
}
