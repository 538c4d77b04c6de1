package profile

import (
	"fmt"
	"strconv"

	"vaws/internal/hint"
)

// tlsOf reads the VAULT_* variables for TLS. Whom to trust is the same for every
// address; how to be known, and what not to check, is for the surroundings'
// address alone.
func tlsOf(getenv func(string) string, ambient bool) (TLS, error) {
	t := TLS{
		CACert:    getenv("VAULT_CACERT"),
		CAPath:    getenv("VAULT_CAPATH"),
		CACertPEM: getenv("VAULT_CACERT_BYTES"),
	}
	if !ambient {
		return t, nil
	}
	t.ClientCert, t.ClientKey = getenv("VAULT_CLIENT_CERT"), getenv("VAULT_CLIENT_KEY")
	t.ServerName = getenv("VAULT_TLS_SERVER_NAME")
	if skip := getenv("VAULT_SKIP_VERIFY"); skip != "" {
		var err error
		if t.SkipVerify, err = strconv.ParseBool(skip); err != nil {
			return TLS{}, hint.Errorf("run: unset VAULT_SKIP_VERIFY", "VAULT_SKIP_VERIFY %q is neither true nor false", skip)
		}
	}
	if (t.ClientCert == "") != (t.ClientKey == "") {
		return TLS{}, fmt.Errorf("VAULT_CLIENT_CERT and VAULT_CLIENT_KEY go together, and only one is set")
	}
	return t, nil
}
