package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/hashicorp/vault/api"

	"vaws/internal/hint"
)

// byBrowser signs in at the identity provider that Vault names, as Vault's own CLI
// does (https://developer.hashicorp.com/vault/docs/auth/jwt#oidc-login-cli). The
// client nonce binds Vault's answer to this process: who steals the code on its way
// through the browser cannot use it.
func byBrowser(ctx context.Context, a attemptToLogIn) (*api.Secret, error) {
	if a.Browse == nil {
		return nil, errors.New("a browser is needed, and nobody is there to use it")
	}
	callback, err := listenForCallback(a.Port)
	if err != nil {
		return nil, err
	}
	defer callback.close()
	nonce := rand.Text()
	*a.sent = append(*a.sent, nonce)
	address, err := a.authURL(ctx, callback.address(), nonce)
	if err != nil {
		return nil, err
	}
	a.Browse(address.String())
	came, err := callback.waitFor(ctx, address.Query().Get("state"))
	if err != nil {
		return nil, err
	}
	*a.sent = append(*a.sent, came.code, came.idToken, came.state)
	answer, err := a.exchange(ctx, came, nonce)
	came.tell(err)
	return answer, err
}

// authURL asks Vault where to sign in. Vault answers with nothing if the role does
// not exist or does not allow the address to come back to, and says why only in its
// log.
func (a attemptToLogIn) authURL(ctx context.Context, redirect, nonce string) (*url.URL, error) {
	data := map[string]any{"redirect_uri": redirect, "client_nonce": nonce}
	if a.Role != "" {
		data["role"] = a.Role
	}
	answer, err := a.write(ctx, "oidc/auth_url", data)
	if err != nil {
		return nil, err
	}
	text := ""
	if answer != nil {
		text = fields(answer.Data).text("auth_url")
	}
	if text == "" {
		return nil, hint.Errorf(fmt.Sprintf("is there such a role, and is %s among its allowed_redirect_uris? run: vault read auth/%s/role/NAME", redirect, a.Mount),
			"signing in at %s is not allowed to the role", redirect)
	}
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
		return nil, errors.New("the answer of Vault has no address to sign in at")
	}
	return address, nil
}

// exchange gives Vault what the browser brought back.
func (a attemptToLogIn) exchange(ctx context.Context, came arrival, nonce string) (*api.Secret, error) {
	switch {
	case came.refusal != "":
		return nil, hint.Errorf("ask who runs the identity provider", "the identity provider refused: %s", clip(came.refusal))
	case came.code == "" && came.idToken == "":
		return nil, hint.Errorf("try again", "the browser came back without a code")
	}
	path := "auth/" + a.Mount + "/oidc/callback"
	if came.idToken != "" {
		if err := a.post(ctx, path, came, nonce); err != nil {
			return nil, err
		}
	}
	return a.client.Logical().ReadWithDataWithContext(ctx, path, map[string][]string{
		"state": {came.state}, "code": {came.code}, "client_nonce": {nonce},
	})
}

// post hands over what came by response_mode=form_post, which Vault keeps until it
// is asked for by the state. It keeps it even when it answers 400 because the browser
// came back to another address than its own (pathCallbackPost in
// hashicorp/vault-plugin-auth-jwt), so an answer says nothing.
func (a attemptToLogIn) post(ctx context.Context, path string, came arrival, nonce string) error {
	body, err := json.Marshal(map[string]string{
		"state": came.state, "code": came.code, "id_token": came.idToken, "client_nonce": nonce,
	})
	if err != nil {
		return err
	}
	answer, err := a.client.Logical().WriteRawWithContext(ctx, path, body)
	if answer != nil {
		defer answer.Body.Close()
	}
	if refused := (*api.ResponseError)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}
