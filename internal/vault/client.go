package vault

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"

	"vaws/internal/hint"
)

// newClient builds a client for one Vault from the configuration alone.
func newClient(c Config, namespace string) (*api.Client, error) {
	var client *api.Client
	var err error
	withVariables(c.Headers, func() { client, err = buildClient(c) })
	if err != nil {
		return nil, err
	}
	client.ClearNamespace()
	if namespace != "" {
		client.SetNamespace(namespace)
	}
	// VAULT_WRAP_TTL would have Vault wrap the answer.
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client, nil
}

func buildClient(c Config) (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address = c.Address
	if c.Via != "" {
		config.Address = c.Via
	}
	config.DisableRedirects = true
	if c.Timeout > 0 {
		config.Timeout = c.Timeout
	}
	transport := config.HttpClient.Transport.(*http.Transport)
	if err := configureTLS(config, c.TLS); err != nil {
		return nil, err
	}
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy)
		if err != nil || proxy.Host == "" {
			return nil, hint.Errorf("run: unset VAULT_PROXY_ADDR", "VAULT_PROXY_ADDR is not an address")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	retry := &retries{now: c.Now}
	config.CheckRetry, config.Backoff, config.MaxRetries = retry.check, retry.pause, maxTries
	if c.Once {
		config.MaxRetries = 0
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, hint.Errorf("check VAULT_ADDR and VAULT_HEADERS", "connecting to Vault at %s: %w", config.Address, err)
	}
	// Only now: for a unix:// address NewClient wants to see the http.Transport.
	config.HttpClient.Transport = &guard{next: transport, now: c.Now, debug: c.Debug}
	return client, nil
}

func configureTLS(config *api.Config, t TLS) error {
	err := config.ConfigureTLS(&api.TLSConfig{
		CACert: t.CACert, CAPath: t.CAPath, CACertBytes: []byte(t.CACertPEM),
		ClientCert: t.ClientCert, ClientKey: t.ClientKey,
		TLSServerName: t.ServerName, Insecure: t.SkipVerify,
	})
	if err != nil {
		return hint.Errorf("check vaws_ca_cert, vaws_client_cert and vaws_client_key, or VAULT_CACERT, VAULT_CAPATH, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY", "preparing TLS for Vault: %w", err)
	}
	return nil
}

// variables guards the environment of this process, in which the token helper
// runs and a client must not be made.
var variables sync.Mutex

// withVariables runs f while no VAULT_* variable is set but VAULT_HEADERS, if there
// are headers. NewClient and DefaultConfig read them even for what a configuration
// sets, among them the token and the namespace of another Vault.
func withVariables(headers string, f func()) {
	variables.Lock()
	defer variables.Unlock()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "VAULT_") && os.Unsetenv(name) == nil {
			defer os.Setenv(name, value)
		}
	}
	if headers != "" && os.Setenv(envHeaders, headers) == nil {
		defer os.Unsetenv(envHeaders)
	}
	f()
}

const envHeaders = "VAULT_HEADERS"
