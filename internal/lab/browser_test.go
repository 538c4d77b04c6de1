package lab

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vaws/internal/lab/idp"
)

const (
	browserUser     = "alice"
	browserPassword = "correct horse battery"
)

// visit is one run of the lab's browser at an identity provider.
type visit struct {
	t        *testing.T
	provider *idp.Server
	callback *httptest.Server
	arrived  chan url.Values // what came to the callback
	log      string
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	provider, err := idp.New(idp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	provider.AddUser(browserUser, browserPassword)
	v := &visit{t: t, provider: provider, arrived: make(chan url.Values, 1), log: filepath.Join(t.TempDir(), "log")}
	v.callback = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oidc/callback" {
			http.NotFound(w, r) // the icon
			return
		}
		_ = r.ParseForm()
		v.arrived <- r.Form
		_, _ = w.Write([]byte("<p>Back at the <b>client</b>."))
	}))
	t.Cleanup(v.callback.Close)
	return v
}

func (v *visit) address(mode string) string {
	q := url.Values{
		"client_id": {v.provider.ClientID}, "response_type": {"code"}, "response_mode": {mode}, "scope": {"openid"},
		"redirect_uri": {v.callback.URL + "/oidc/callback"}, "state": {"st"}, "nonce": {"no"},
	}
	return v.provider.URL() + "/authorize?" + q.Encode()
}

// command is the browser, called as programs call xdg-open.
func (v *visit) command(mode, action, password string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binariesFor(v.t).Dir, "xdg-open"), v.address(mode))
	cmd.Env = append(os.Environ(), "LAB_BROWSER_LOG="+v.log,
		"LAB_BROWSER_USER="+browserUser, "LAB_BROWSER_PASSWORD="+password, "LAB_BROWSER_ACTION="+action)
	return cmd
}

// leftovers are the processes, other than those that only wait to be reaped, and
// the files of a browser that has ended.
func leftovers(t *testing.T, pid int) []string {
	t.Helper()
	mark := "vaws-lab-browser-" + strconv.Itoa(pid) + "-"
	found, _ := filepath.Glob("/tmp/" + mark + "*")
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(mark)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}

func TestBrowser(t *testing.T) {
	for name, tc := range map[string]struct {
		mode, action, password string
		arrives                string // a parameter at the callback
		log                    string // the text in the log
	}{
		"sign in":        {"query", "sign-in", browserPassword, "code", "Back at the client."},
		"form_post":      {"form_post", "sign-in", browserPassword, "code", "Back at the client."},
		"deny":           {"query", "deny", "", "error", "Back at the client."},
		"deny by a post": {"form_post", "deny", "", "error", "Back at the client."},
		"wrong password": {"query", "sign-in", "guess", "", "Wrong user or password."},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t)
			cmd := v.command(tc.mode, tc.action, tc.password)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			log, err := os.ReadFile(v.log)
			if err != nil || !strings.Contains(string(log), tc.log) {
				t.Errorf("log: %s, %v", log, err)
			}
			select {
			case got := <-v.arrived:
				if got.Get("state") != "st" || got.Get(tc.arrives) == "" {
					t.Errorf("arrived: %v", got)
				}
			default:
				if tc.arrives != "" {
					t.Error("nothing arrived")
				}
			}
			if left := leftovers(t, cmd.Process.Pid); left != nil {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestBrowserIgnores(t *testing.T) {
	v := newVisit(t)
	if out, err := v.command("query", "ignore", "").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(v.log); err == nil {
		t.Error("there is a log")
	}
}

func TestBrowserSaysWhatWentWrong(t *testing.T) {
	v := newVisit(t)
	v.callback.Close()
	cmd := v.command("query", "deny", "")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("no error\n%s", out)
	}
	if log, _ := os.ReadFile(v.log); !strings.Contains(string(log), "ERR_CONNECTION_REFUSED") {
		t.Errorf("log: %s", log)
	}
}

// A browser that is told to end takes Chromium with it.
func TestBrowserEnds(t *testing.T) {
	v := newVisit(t)
	asked := make(chan struct{}, 8)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer slow.Close()
	cmd := v.command("query", "deny", "")
	cmd.Args[1] = slow.URL
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(30 * time.Second):
		t.Error("the page was not opened")
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err == nil {
		t.Error("no error")
	}
	if left := leftovers(t, cmd.Process.Pid); left != nil {
		t.Errorf("left: %q", left)
	}
}
