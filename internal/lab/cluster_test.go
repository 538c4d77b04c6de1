package lab

import (
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"time"

	"vaws/internal/lab/idp"
)

// cluster is what Vault asks of a Kubernetes: the review of tokens of one service
// account, which the provider signs.
type cluster struct {
	provider *idp.Server
	server   *httptest.Server
	reviewer string // the token that Vault shows
}

func startCluster(provider *idp.Server) (*cluster, error) {
	reviewer, err := provider.Sign(map[string]any{"sub": "system:serviceaccount:lab:vault"})
	if err != nil {
		return nil, err
	}
	c := &cluster{provider: provider, reviewer: reviewer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", c.review)
	c.server = httptest.NewTLSServer(mux)
	return c, nil
}

// api is what Vault has to know.
func (c *cluster) api() KubernetesAPI {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})
	return KubernetesAPI{URL: c.server.URL, CA: string(ca), Reviewer: c.reviewer}
}

const (
	serviceAccountUser = "system:serviceaccount:" + ServiceNamespace + ":" + ServiceAccount
	serviceAccountUID  = "6c2f3a5e-0f4b-4b0e-9d55-1d7e3c1a2b90"
)

// serviceAccountClaims makes claims those of the service account, as a projected
// volume has them.
func serviceAccountClaims(base map[string]any) map[string]any {
	claims := maps.Clone(base)
	claims["sub"] = serviceAccountUser
	claims["kubernetes.io"] = map[string]any{
		"namespace":      ServiceNamespace,
		"serviceaccount": map[string]any{"name": ServiceAccount, "uid": serviceAccountUID},
	}
	return claims
}

// review answers for a token that the provider signed and that has not expired.
func (c *cluster) review(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+c.reviewer {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	var asked struct {
		Spec struct{ Token string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": c.status(asked.Spec.Token),
	})
}

func (c *cluster) status(token string) map[string]any {
	claims, err := c.provider.Verify(token)
	if err != nil {
		return map[string]any{"authenticated": false, "error": err.Error()}
	}
	expiry, _ := claims["exp"].(float64)
	if claims["sub"] != serviceAccountUser || time.Now().Unix() >= int64(expiry) {
		return map[string]any{"authenticated": false, "error": "[invalid bearer token, token has expired or is not valid]"}
	}
	return map[string]any{
		"authenticated": true, "audiences": claims["aud"],
		"user": map[string]any{"username": serviceAccountUser, "uid": serviceAccountUID},
	}
}
