package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// Health is what a Vault says of itself to everybody.
type Health struct {
	Initialized, Sealed, Standby bool
	Version                      string // such as "1.21.1"
	Enterprise                   bool
	// Ahead is by how much this machine's clock is ahead of Vault's, in whole seconds,
	// from the Date header of the answer; negative if it is behind.
	Ahead time.Duration
}

// Usable is nil for a Vault that answers requests.
func (h Health) Usable() error {
	switch {
	case !h.Initialized:
		return hint.Errorf("run: vault operator init", "it is not initialized")
	case h.Sealed:
		return hint.Errorf(unseal, "it is sealed")
	}
	return nil
}

// Health asks Vault how it is. It needs no token. Its errors say why Vault cannot be
// reached.
func (s *Source) Health(ctx context.Context) (Health, error) {
	client, err := newClient(s.config, "")
	if err != nil {
		return Health{}, err
	}
	began := s.config.Now()
	// The codes that tell of more than "active" would be errors of the client.
	codes := map[string][]string{"standbyok": {"true"}, "perfstandbyok": {"true"}}
	for _, code := range []string{"sealedcode", "uninitcode", "standbycode", "drsecondarycode", "performancestandbycode"} {
		codes[code] = []string{"299"}
	}
	answer, err := client.Logical().ReadRawWithDataWithContext(ctx, "sys/health", codes)
	ended := s.config.Now()
	if err != nil {
		return Health{}, s.cleaned(s.explainAny(err))
	}
	defer answer.Body.Close()
	var h api.HealthResponse
	if err := json.NewDecoder(answer.Body).Decode(&h); err != nil {
		return Health{}, s.cleaned(s.explainAny(err))
	}
	return Health{
		Initialized: h.Initialized, Sealed: h.Sealed, Standby: h.Standby,
		Version: oneLine(h.Version, nil), Enterprise: h.Enterprise,
		Ahead: ahead(answer.Header.Get("Date"), began, ended),
	}, nil
}

// ahead compares Vault's clock with this one. A Date is in whole seconds, and was made
// between the two times.
func ahead(date string, began, ended time.Time) time.Duration {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	switch {
	case began.After(theirs.Add(time.Second)):
		return began.Sub(theirs).Round(time.Second)
	case ended.Before(theirs):
		return ended.Sub(theirs).Round(time.Second)
	}
	return 0
}

const (
	// A skew that begins to cost lifetime: credentials count as older than they are.
	doubtfulSkew = 30 * time.Second
	// AWS refuses signatures that are older than this
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
	wrongSkew = 5 * time.Minute
)

// Examine finds out whether Vault can be used, and whether the clocks agree. namespace
// is the one that is going to be used.
func (s *Source) Examine(ctx context.Context, namespace string) (findings []hint.Finding, usable bool) {
	defer func() {
		for i := range findings {
			s.cleanFinding(&findings[i])
		}
	}()
	about := "vault " + s.config.Address
	h, err := s.Health(ctx)
	if err == nil {
		err = h.Usable()
	}
	if err != nil {
		return append(findings, hint.IsWrong(about, err)), false
	}
	kind := "Vault"
	if h.Standby {
		kind = "a standby of Vault"
	}
	findings = append(findings, hint.IsFine(about, "%s %s, unsealed", kind, h.Version), clock(h.Ahead))
	if namespace != "" && !h.Enterprise && strings.HasPrefix(h.Version, "1.") {
		findings = append(findings, hint.IsDoubtful("namespace "+namespace, hint.Errorf(
			"unset VAULT_NAMESPACE, or remove vaws_namespace from the AWS config", "this edition of Vault has no namespaces, and ignores it")))
	}
	return findings, true
}

func clock(ahead time.Duration) hint.Finding {
	const about = "clock"
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	err := hint.Wrap(fmt.Errorf("this machine's clock is %s %s Vault's", credentials.Roughly(ahead.Abs()), word),
		"set the clock that is wrong; if it is this machine's:", "run: sudo timedatectl set-ntp true")
	switch skew := ahead.Abs(); {
	case skew > wrongSkew:
		return hint.IsWrong(about, fmt.Errorf("%w; AWS refuses signatures of a wrong time", err))
	case skew > doubtfulSkew:
		return hint.IsDoubtful(about, err)
	}
	return hint.IsFine(about, "agrees with Vault's")
}
