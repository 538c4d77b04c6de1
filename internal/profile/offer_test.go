package profile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOffered(t *testing.T) {
	const config = `[default]
region = eu-west-1
[vaws]
vaws_mount = aws
[profile sso]
sso_session = work
[profile plain]
region = eu-west-1
[profile process]
credential_process = "/opt/with space/vaws" credential-process process
[profile chained]
role_arn = arn:aws:iam::1:role/x
source_profile = sso
[profile both]
role_arn = arn:aws:iam::1:role/x
vaws_role = r
[sso-session work]
sso_region = eu-west-1
[profile foreign]
credential_process = /opt/other vaws
s3 =
  role_arn = nested
[profile "two words"]
vaws_role = r`
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := Offered(path), []string{"plain", "process", "both", "two words"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Offered(filepath.Join(t.TempDir(), "none")); got != nil {
		t.Errorf("%q", got)
	}
}

func TestEveryOptionTells(t *testing.T) {
	for _, option := range append(elsewhere, "credential_process", keyPrefix) {
		if !tells([]byte(option)) || !tells([]byte(strings.ToUpper(option))) {
			t.Errorf("%s is passed over", option)
		}
	}
}
