package profile

import (
	"path/filepath"
	"strconv"
	"strings"

	"vaws/internal/hint"
)

// tls takes what makes up one thing from one layer: whom to trust, and the client
// certificate with its key.
func (s *sources) tls() (TLS, error) {
	ca := s.layers().first(caCert, caPath, caBytes)
	client := s.layers().first(clientCert, clientKey)
	t := TLS{CACertPEM: ca.values[caBytes], ServerName: s.vault.values[serverName]}
	for _, file := range []struct {
		from    layer
		setting string
		to      *string
	}{
		{ca, caCert, &t.CACert}, {ca, caPath, &t.CAPath},
		{client, clientCert, &t.ClientCert}, {client, clientKey, &t.ClientKey},
	} {
		if err := file.from.takeFile(file.setting, file.to); err != nil {
			return TLS{}, err
		}
	}
	if err := checkPair(client); err != nil {
		return TLS{}, err
	}
	err := takeAs(layers{s.vault}, skipVerify, &t.SkipVerify, parseBool)
	return t, err
}

func checkPair(client layer) error {
	for _, pair := range [][2]string{{clientCert, clientKey}, {clientKey, clientCert}} {
		if client.values[pair[0]] != "" && client.values[pair[1]] == "" {
			return client.blame(pair[0], hint.Errorf("set both in that place, or neither",
				"a client certificate and its key go together, and only this one is set"))
		}
	}
	return nil
}

func parseBool(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, hint.Errorf("run: unset VAULT_SKIP_VERIFY", "%q is neither true nor false", text)
	}
	return b, nil
}

// checkFile asks for an absolute path: an SDK calls vaws from wherever it is.
func checkFile(path string) error {
	if !strings.HasPrefix(path, "~/") && !filepath.IsAbs(path) {
		return hint.Errorf("write the whole path, or begin it with ~/", "%q is not an absolute path", path)
	}
	return nil
}
