package profile

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func awsFileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithoutDefault(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"keys": {
			"[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = T\nregion = eu-west-1\n",
			"[default]\nregion = eu-west-1\n",
		},
		"other sections": {
			"[x]\naws_access_key_id = A\n[default]\naws_access_key_id = B\n[profile y]\naws_access_key_id = C\n",
			"[x]\naws_access_key_id = A\n[default]\n[profile y]\naws_access_key_id = C\n",
		},
		"profile default": {"[profile default]\nrole_arn = r\nsource_profile = x\noutput = json\n", "[profile default]\noutput = json\n"},
		"quoted":          {"[profile \"default\"]\ncredential_process = x\n", "[profile \"default\"]\n"},
		"twice":           {"[default]\nrole_arn = r\n[a]\n[default]\nsso_session = s\n", "[default]\n[a]\n[default]\n"},
		"names and spaces": {
			"\uFEFF# top\r\n  [default]  \r\n\tAWS_Access_Key_ID:A\r\n; note\r\n\r\nrole_arn\r\nregion = x\r\n[z]\r\n",
			"\uFEFF# top\r\n  [default]  \r\n; note\r\n\r\nrole_arn\r\nregion = x\r\n[z]\r\n",
		},
		"continued": {
			"[default]\nsso_registration_scopes =\n  a\n  # why\n\n  [b]\nregion = x\ns3 =\n  role_arn = part of s3, or not\n  max = 1\nmfa_serial = m",
			"[default]\n  # why\n\nregion = x\ns3 =\n  max = 1\n",
		},
		"configparser's defaults":   {"[DEFAULT]\nrole_arn = r\nregion = x\n", "[DEFAULT]\nregion = x\n"},
		"last line without its end": {"[default]\nregion = x\nrole_arn = r", "[default]\nregion = x\n"},
	} {
		got, changed, err := WithoutDefault(awsFileOf(t, c.file))
		if err != nil || !changed || string(got) != c.want {
			t.Errorf("%s: %q, %v, %v, want %q", name, got, changed, err, c.want)
		}
	}
}

func TestWithoutDefaultUnderAHomeThatIsNone(t *testing.T) {
	if got, changed, err := WithoutDefault("/dev/null/.aws/config"); got != nil || changed || err != nil {
		t.Errorf("%q, %v, %v", got, changed, err)
	}
}

func TestWithoutDefaultChangesNothing(t *testing.T) {
	for _, file := range []string{
		"", "\n\n", "no section = x\n", "# [default]\n# role_arn = r\n",
		"[default]\nregion = x\nservices = local\nvaws_role = deploy\n",
		"[profile defaults]\nrole_arn = r\n[services default]\nrole_arn = r\n",
		"[profile x]\nrole_arn = r",
	} {
		got, changed, err := WithoutDefault(awsFileOf(t, file))
		if err != nil || changed || string(got) != file {
			t.Errorf("%q: %q, %v, %v", file, got, changed, err)
		}
	}
}

func TestWithoutDefaultOfNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"", filepath.Join(dir, "none"), filepath.Join(dir, "no", "directory")} {
		if got, changed, err := WithoutDefault(path); len(got) > 0 || changed || err != nil {
			t.Errorf("%q: %q, %v, %v", path, got, changed, err)
		}
	}
	if _, _, err := WithoutDefault(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory: %v", err)
	}
	if _, _, err := WithoutDefault(awsFileOf(t, "[default\naws_secret_access_key = hidden\n")); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("a broken header: %v", err)
	}
}

// Every option that makes vaws refuse a profile has to go: with one of them
// left, an SDK would not ask the endpoint.
func TestWithoutDefaultLeavesNoCredentials(t *testing.T) {
	var file strings.Builder
	file.WriteString("[default]\n")
	for _, option := range append(append([]string{}, elsewhere...), accessories...) {
		file.WriteString(option + " = x\n")
	}
	got, _, err := WithoutDefault(awsFileOf(t, file.String()))
	if want := "[default]\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// botocore has the last word on what it reads.
func TestWithoutDefaultAsBotocoreReadsIt(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import botocore").Run(); err != nil {
		t.Skip("no botocore for ", python)
	}
	const config = "[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = x\n" +
		"sso_registration_scopes =\n  sso:account:access\ns3 =\n  addressing_style = path\n\n" +
		"[profile x]\nregion = eu-west-2\n"
	const keys = "[x]\naws_access_key_id = AKIDX\naws_secret_access_key = sx\n\n" +
		"[default]\naws_access_key_id = AKIDD\naws_secret_access_key = sd\naws_session_token = td\n"
	const program = `
import botocore.session, os
s = botocore.session.Session()
c = s.full_config["profiles"]
print(s.get_config_variable("region"), sorted(c["default"]), c["default"]["s3"], s.get_credentials())
s = botocore.session.Session(profile="x")
print(s.get_config_variable("region"), s.get_credentials().access_key)
`
	env := []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}
	for variable, text := range map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": keys} {
		filtered, changed, err := WithoutDefault(awsFileOf(t, text))
		if err != nil || !changed {
			t.Fatal(changed, err)
		}
		env = append(env, variable+"="+awsFileOf(t, string(filtered)))
	}
	cmd := exec.Command(python, "-c", program)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	const want = "eu-west-1 ['region', 's3'] {'addressing_style': 'path'} None\neu-west-2 AKIDX\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: %q, want %q", err, out, want)
	}
}
