package vault

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaws/internal/hint"
)

func TestSecretsOfLogIns(t *testing.T) {
	dir := t.TempDir()
	file, empty := filepath.Join(dir, "secret"), filepath.Join(dir, "empty")
	for path, text := range map[string]string{file: " s3cret\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string { return map[string]string{"S": " fromenv\n", "BLANK": " "}[name] }
	asked := func(context.Context, string) (string, error) { return "typed ", nil }
	for name, c := range map[string]struct {
		proof      Proof
		want, fail string
	}{
		"given":           {Proof{Given: "g", File: file}, "g", ""},
		"file":            {Proof{File: file, Variable: "S"}, "s3cret", ""},
		"variable":        {Proof{Variable: "S", AskSecret: asked}, "fromenv", ""},
		"typed":           {Proof{AskSecret: asked}, "typed ", ""},
		"no file":         {Proof{File: "/nonexistent"}, "", "no such file"},
		"empty file":      {Proof{File: empty}, "", "is empty"},
		"a directory":     {Proof{File: dir}, "", "not a small regular file"},
		"unset variable":  {Proof{Variable: "UNSET"}, "", "in UNSET is empty"},
		"blank variable":  {Proof{Variable: "BLANK"}, "", "in BLANK is empty"},
		"nothing to take": {Proof{}, "", "no password to log in with"},
	} {
		c.proof.Getenv = getenv
		got, err := c.proof.secret(t.Context(), "userpass", "password")
		if got.Value != c.want && c.fail == "" || (err != nil) != (c.fail != "") {
			t.Errorf("%s: %q, %v", name, got.Value, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.fail) || len(hint.Of(err)) == 0) {
			t.Errorf("%s: %v, hints %q", name, err, hint.Of(err))
		}
	}
}

// github is what GitHub Actions offers to a job.
func github(t *testing.T, handler http.HandlerFunc) func(string) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return func(name string) string {
		return map[string]string{githubURL: server.URL + "/token?api-version=2.0", githubToken: "request-token"}[name]
	}
}

func TestJWTOfGitHubActions(t *testing.T) {
	getenv := github(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer request-token" || r.FormValue("api-version") != "2.0" || r.FormValue("audience") != "https://vault" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		io.WriteString(w, `{"count":1,"value":"the.jwt"}`)
	})
	got, err := Proof{Getenv: getenv, Audience: "https://vault"}.secret(t.Context(), "jwt", "JWT")
	if err != nil || got.Value != "the.jwt" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGitHubActionsThatGivesNone(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"403":        write(403, `{"value":"x"}`),
		"not JSON":   write(200, "hello"),
		"no value":   write(200, `{}`),
		"redirected": redirect("http://127.0.0.1:1/"),
		"hangs up":   hangUp,
	} {
		_, err := Proof{Getenv: github(t, handler)}.secret(t.Context(), "jwt", "JWT")
		if err == nil || len(hint.Of(err)) == 0 || strings.Contains(err.Error(), "request-token") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
