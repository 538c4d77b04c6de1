package credentials

import (
	"testing"
	"time"
)

func TestEveryFieldOfALoginCounts(t *testing.T) {
	seen := map[string]Login{}
	for _, l := range []Login{
		{}, {Address: "x"}, {Namespace: "x"}, {Method: "x"}, {Mount: "x"}, {Role: "x"},
		{Address: "x", Namespace: "x"}, {Address: "xx"},
	} {
		if other, known := seen[l.Key()]; known {
			t.Errorf("%+v and %+v are one", l, other)
		}
		seen[l.Key()] = l
	}
}

func TestTokenLife(t *testing.T) {
	began := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	hour := Token{Value: "t", Expiry: began.Add(time.Hour), Life: time.Hour}
	renewed := Token{Value: "t", Expiry: began.Add(10 * time.Minute), Life: time.Hour}
	for name, test := range map[string]struct {
		token         Token
		after         time.Duration
		valid, ageing bool
	}{
		"new":                       {hour, 0, true, false},
		"at half":                   {hour, 30 * time.Minute, true, false},
		"past half":                 {hour, 31 * time.Minute, true, true},
		"over":                      {hour, time.Hour, false, true},
		"for ever":                  {Token{Value: "t"}, 1000 * time.Hour, true, false},
		"renewed, near its maximum": {renewed, 0, true, true},
		"no token":                  {Token{}, 0, false, false},
		"clock set back":            {hour, -time.Hour, true, false},
	} {
		now := began.Add(test.after)
		if got := test.token.Valid(now); got != test.valid {
			t.Errorf("%s: valid %t", name, got)
		}
		if got := test.token.Ageing(now); got != test.ageing {
			t.Errorf("%s: ageing %t", name, got)
		}
	}
}

func TestLoginInWords(t *testing.T) {
	for want, l := range map[string]Login{
		"oidc":                {Method: "oidc", Mount: "oidc"},
		"oidc on sso as dev":  {Method: "oidc", Mount: "sso", Role: "dev"},
		"approle":             {Method: "approle", Mount: "approle", Role: "5d2f-role-id"},
		"approle on machines": {Method: "approle", Mount: "machines", Role: "5d2f-role-id"},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
