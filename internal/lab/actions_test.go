package lab

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	"vaws/internal/lab/idp"
)

// startActions starts what GitHub gives the jobs of a workflow: a server that
// hands out JWTs, which the provider signs, to who has the token, at any path
// with the query api-version=2.0&audience=AUDIENCE.
func startActions(provider *idp.Server) (server *httptest.Server, token string) {
	token = rand.Text()
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
		case r.Method != http.MethodGet || q.Get("api-version") != "2.0" || q.Get("audience") == "":
			http.Error(w, "want GET with api-version=2.0 and audience", http.StatusBadRequest)
		default:
			answerJob(w, provider, q.Get("audience"))
		}
	})), token
}

func answerJob(w http.ResponseWriter, provider *idp.Server, audience string) {
	what, err := claims(provider.URL(), []string{"aud=" + audience, "sub=repo:lab/vaws:ref:refs/heads/main"})
	var token string
	if err == nil {
		token, err = provider.Sign(what)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"value": token})
}
