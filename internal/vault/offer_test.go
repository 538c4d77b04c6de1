package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vaws/internal/credentials"
)

// offering is a source and a request for a server that answers with handler.
func offering(t *testing.T, handler http.HandlerFunc) (*Source, credentials.Request) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return New(Config{Address: server.URL, Token: "hvs.secret-token", Now: time.Now, Debug: t.Logf}), credentials.Request{Address: server.URL}
}

func TestCapabilitiesOfManyPaths(t *testing.T) {
	asked := 0
	s, r := offering(t, func(w http.ResponseWriter, req *http.Request) {
		asked++
		var body struct{ Paths []string }
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil || len(body.Paths) > pathsAtOnce {
			t.Errorf("%d paths, %v", len(body.Paths), err)
		}
		data := map[string]any{"capabilities": []string{"deny"}}
		for _, path := range body.Paths {
			data[path] = []string{"deny"}
			if strings.HasSuffix(path, "7") && strings.Contains(path, "/creds/") {
				data[path] = []string{"update"}
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"data": data})
	})
	var roles []credentials.Role
	for i := range 1200 {
		roles = append(roles, credentials.Role{Mount: "aws", Name: fmt.Sprint("role-", i)})
	}
	usable, err := s.Usable(t.Context(), r, roles)
	if err != nil || len(usable) != 120 || asked != 3 {
		t.Errorf("%d roles with %d requests, %v", len(usable), asked, err)
	}
}

func TestUsable(t *testing.T) {
	for _, c := range []struct {
		capabilities string
		role, static bool
	}{
		{`["deny"]`, false, false}, {`["list"]`, false, false}, {`["create"]`, false, false}, {`[]`, false, false}, {`null`, false, false}, {`{"read":1}`, false, false},
		{`["update"]`, true, false}, {`["read"]`, true, true}, {`["root"]`, true, true}, {`["create","update"]`, true, false}, {`[7,"read"]`, true, true},
	} {
		s, r := offering(t, write(200, `{"data":{"aws/sts/a":`+c.capabilities+`,"aws/static-creds/a":`+c.capabilities+`}}`))
		for role, want := range map[credentials.Role]bool{{Mount: "aws", Name: "a"}: c.role, {Mount: "aws", Name: "a", Static: true}: c.static} {
			usable, err := s.Usable(t.Context(), r, []credentials.Role{role})
			if err != nil || (len(usable) == 1) != want {
				t.Errorf("%s of %v: %v, %v", c.capabilities, role, usable, err)
			}
		}
	}
}

func TestStrangeMountsAndRoles(t *testing.T) {
	s, r := offering(t, func(w http.ResponseWriter, req *http.Request) {
		switch {
		case strings.HasSuffix(req.URL.Path, "ui/mounts"):
			write(200, `{"data":{"secret":{"aws/":{"type":"aws"},"a\u001b[2J/":{"type":"aws"},"b c!/":{"type":"aws"},"kv/":{"type":"kv"},"odd/":7,"team/aws/":{"type":"aws"}}}}`)(w, req)
		case strings.HasSuffix(req.URL.Path, "static-roles"):
			write(403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)(w, req)
		default:
			write(200, `{"data":{"keys":["a","b\n",7,""]}}`)(w, req)
		}
	})
	if mounts, err := s.Mounts(t.Context(), r); err != nil || fmt.Sprint(mounts) != "[aws b c! team/aws]" {
		t.Errorf("mounts %q, %v", mounts, err)
	}
	if roles, err := s.Roles(t.Context(), r, "aws"); err != nil || fmt.Sprint(roles) != "[aws/a]" {
		t.Errorf("roles %v, %v", roles, err)
	}
	s, r = offering(t, write(403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`))
	if _, err := s.Roles(t.Context(), r, "aws"); !errors.Is(err, ErrMayNotList) {
		t.Errorf("err %v", err)
	}
	s, r = offering(t, write(404, `{"errors":["no handler for route \"x/roles\". route entry not found."]}`))
	if roles, err := s.Roles(t.Context(), r, "x"); err != nil || len(roles) != 0 {
		t.Errorf("roles %v, %v", roles, err)
	}
	for answer, want := range map[string]string{`<html>`: "not as Vault does", `[1]`: "not as Vault does"} {
		s, r = offering(t, write(200, answer))
		if _, err := s.Mounts(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
