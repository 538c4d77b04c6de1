package lab

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vaws/internal/lab/aws"
)

// fault is something that vaws doctor is to find, to name, and to tell how to mend.
type fault struct {
	name  string
	seed  func(p *patient)
	about string // the finding's; a beginning of it
	says  string // matches its text
	warns bool   // it is doubtful rather than wrong
	// mend is what a person does whom the hints tell so. Nil: the hint is a command,
	// which is run.
	mend func(p *patient, hints string)
}

var faults = []fault{
	// the AWS config
	{name: "the program is gone", seed: calling("/opt/nowhere/vaws credential-process ec2-admin"), about: "profile ec2-admin", says: `config:2: there is no program "/opt/nowhere/vaws"`},
	{name: "the program is not executable", seed: func(p *patient) {
		p.write("tools/vaws", "", 0o600)
		p.config("[profile ec2-admin]\ncredential_process = " + p.path("tools/vaws") + " credential-process ec2-admin\n")
	}, about: "profile ec2-admin", says: "is not executable", mend: func(p *patient, hints string) {
		p.run(hints)
		p.must(os.Remove(p.path("tools/vaws")), os.Symlink(p.vaws(), p.path("tools/vaws"))) // it was no vaws
	}},
	{name: "a tilde", seed: calling("~/vaws credential-process ec2-admin"), about: "profile ec2-admin", says: "do not expand the ~"},
	{name: "a variable", seed: calling("$HOME/bin/vaws credential-process ec2-admin"), about: "profile ec2-admin", says: "do not expand the variable"},
	{name: "a space in the path", seed: func(p *patient) {
		p.must(os.MkdirAll(p.path("my tools"), 0o700), os.Symlink(p.vaws(), p.path("my tools/vaws")))
		calling(p.path("my tools/vaws") + " credential-process ec2-admin")(p)
	}, about: "profile ec2-admin", says: "a space and no quotes"},
	{name: "an open quote", seed: calling(`"/usr/bin/vaws credential-process ec2-admin`), about: "profile ec2-admin", says: "a quote is not closed"},
	{name: "not on PATH", seed: func(p *patient) {
		calling("vaws credential-process ec2-admin")(p)
		p.env["PATH"] = strings.TrimPrefix(p.env["PATH"], p.bin.Dir+":")
	}, about: "profile ec2-admin", says: `"vaws" is not on PATH`},
	{name: "a relative path", seed: calling("./vaws credential-process ec2-admin"), about: "profile ec2-admin", says: "another program in every directory"},
	{name: "another vaws", seed: func(p *patient) {
		p.write("old/vaws", "#!/bin/sh\n", 0o700)
		calling(p.path("old/vaws") + " credential-process ec2-admin")(p)
	}, about: "profile ec2-admin", says: "it calls .*/old/vaws, and this is", warns: true},
	{name: "not the command for SDKs", seed: calling("VAWS exec ec2-admin"), about: "profile ec2-admin", says: "is credential-process"},
	{name: "a misspelt key", seed: add("[profile other]\nvaws_rol = ec2-admin\n"), about: "profile other", says: `config:4: unknown key "vaws_rol"`},
	{name: "a misspelt key for all", seed: add("[vaws]\nvaws_adress = http://127.0.0.1:1\n"), about: "AWS config", says: `config:4: unknown key "vaws_adress"`,
		mend: func(p *patient, hints string) {
			p.run(hints)
			p.edit("vaws_address = http://127.0.0.1:1\n", "vaws_address = "+p.env["VAULT_ADDR"]+"\n")
		}},
	{name: "keys for nobody", seed: add("[profile dev]\ncredential_process = VAWS credential-process ec2-admin\nvaws_role = ec2-admin\n"), about: "profile dev", says: `asks for "ec2-admin", so the vaws_\* keys`},
	{name: "no word profile", seed: add("[dev]\ncredential_process = VAWS credential-process ec2-admin\n"), about: "profile dev", says: `\[dev\] is no profile`},
	{name: "a section twice", seed: add("[profile ec2-admin]\nregion = eu-west-1\n"), about: "AWS config", says: `config:3: the section \[profile ec2-admin\] begins in line 1`,
		mend: func(p *patient, hints string) {
			p.told(hints, "put what is below line 3 into the section at line 1")
			p.edit("[profile ec2-admin]\nregion", "region")
		}},
	{name: "an option twice", seed: add("region = eu-west-1\nregion = eu-west-2\n"), about: "AWS config", says: "config:4: region is set in line 3"},
	{name: "a line before the first section", seed: func(p *patient) { p.config("region = eu-west-1\n" + p.read("home/.aws/config")) }, about: "AWS config", says: "config:1: a line before the first section"},
	{name: "a byte-order mark", seed: func(p *patient) { p.config("\uFEFF" + p.read("home/.aws/config")) }, about: "AWS config", says: "byte-order mark"},
	{name: "no closing bracket", seed: add("[profile dev\n"), about: "AWS config", says: "config:3: a section without its closing bracket",
		mend: func(p *patient, hints string) {
			p.told(hints, `such as "\[profile prod\]"`)
			p.edit("[profile dev\n", "[profile dev]\n")
		}},
	{name: "keys of the same name", seed: func(p *patient) {
		p.write("home/.aws/credentials", "[ec2-admin]\naws_access_key_id = x\naws_secret_access_key = y\n", 0o600)
	}, about: "profile ec2-admin", says: "credentials:2: the keys there come before credential_process",
		mend: func(p *patient, hints string) {
			p.told(hints, `remove the section \[ec2-admin\] from .*/credentials`)
			p.write("home/.aws/credentials", "", 0o600)
		}},
	{name: "single sign-on, too", seed: add("sso_session = corp\n"), about: "profile ec2-admin", says: "config:3: SDKs get credentials by sso_session before"},
	{name: "the config is a directory", seed: func(p *patient) {
		p.must(os.Remove(p.path("home/.aws/config")), os.Mkdir(p.path("home/.aws/config"), 0o700))
	}, about: "AWS config", says: "is not a file", mend: func(p *patient, hints string) {
		p.told(hints, "put a file in its place")
		p.must(os.Remove(p.path("home/.aws/config")))
		p.config("")
	}},
	{name: "no config where there should be one", seed: set("AWS_CONFIG_FILE=/nowhere/config"), about: "AWS config", says: "which does not exist"},

	// the environment
	{name: "keys beside a profile", seed: set("AWS_PROFILE=ec2-admin", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"), about: "environment", says: "AWS_ACCESS_KEY_ID is used, and not the profile"},
	{name: "expired credentials", seed: set("AWS_ACCESS_KEY_ID=ASIA", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_CREDENTIAL_EXPIRATION=2026-01-01T00:00:00Z"), about: "environment", says: "its credentials expired at 2026-01-01"},
	{name: "half a key", seed: set("AWS_ACCESS_KEY_ID=AKIA"), about: "environment", says: "without AWS_SECRET_ACCESS_KEY"},
	{name: "a token left over", seed: set("AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c"), about: "environment", says: "AWS_SESSION_TOKEN is not of the key beside it"},
	{name: "a web identity", seed: set("AWS_PROFILE=ec2-admin", "AWS_ROLE_ARN=r", "AWS_WEB_IDENTITY_TOKEN_FILE=/f"), about: "environment", says: "AWS_WEB_IDENTITY_TOKEN_FILE is used"},
	{name: "two profiles", seed: set("AWS_PROFILE=ec2-admin", "AWS_DEFAULT_PROFILE=default"), about: "environment", says: "SDKs differ in which they take"},
	{name: "a misspelt profile", seed: set("AWS_PROFILE=ec2-amdin"), about: "environment", says: `profile "ec2-amdin", which does not exist`},
	{name: "a dead endpoint", seed: set("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x"), about: "environment", says: "where nothing listens"},
	{name: "a default before the endpoint", seed: func(p *patient) {
		add("[default]\naws_access_key_id = x\n")(p)
		set("AWS_CONTAINER_CREDENTIALS_FULL_URI=" + p.env["VAULT_ADDR"] + "/x")(p)
	}, about: "environment", says: `credentials of \[default\] in .* come before the endpoint`, mend: func(p *patient, hints string) {
		p.told(hints, "give the section another name")
		p.edit("[default]", "[profile old-default]")
	}},
	{name: "a misspelt variable", seed: set("VAWS_ADRESS=http://127.0.0.1:1"), about: "environment", says: "did you mean VAWS_ADDRESS", warns: true},

	// the cache
	{name: "the cache is a link", seed: func(p *patient) {
		p.must(os.MkdirAll(p.path("home/.cache"), 0o700), os.Symlink("/tmp", p.path("home/.cache/vaws")))
	}, about: "cache directory", says: "is not a directory but a symbolic link"},
	{name: "others may write to the cache", seed: func(p *patient) {
		p.must(os.MkdirAll(p.path("home/.cache/vaws"), 0o700), os.Chmod(p.path("home/.cache/vaws"), 0o770))
	}, about: "cache directory", says: `can be written by others \(mode 0770\)`},
	{name: "the cache is somebody else's", seed: func(p *patient) {
		p.asRoot()
		p.must(os.MkdirAll(p.path("home/.cache/vaws"), 0o700), os.Chown(p.path("home/.cache/vaws"), 12345, 12345))
	}, about: "cache directory", says: "belongs to user 12345"},
	{name: "a lock is somebody else's", seed: func(p *patient) {
		p.asRoot()
		p.write("home/.cache/vaws/locks/x.lock", "", 0o600)
		p.must(os.Chmod(p.path("home/.cache/vaws"), 0o700), os.Chmod(p.path("home/.cache/vaws/locks"), 0o700))
		p.must(os.Chown(p.path("home/.cache/vaws/locks/x.lock"), 12345, 12345))
	}, about: "cache directory", says: "x.lock belongs to user 12345"},
	{name: "the disk is full", seed: func(p *patient) {
		p.mount("size=64k")
		p.fill("home/.cache/filler")
	}, about: "cache directory", says: "is full: .*no space left", mend: func(p *patient, hints string) {
		p.told(hints, "make room, run: df ")
		p.must(os.Remove(p.path("home/.cache/filler")))
	}},
	{name: "the disk is read-only", seed: func(p *patient) { p.mount("ro") }, about: "cache directory", says: "read-only file system", mend: func(p *patient, hints string) {
		p.told(hints, "set XDG_CACHE_HOME to a directory of your own")
		p.env["XDG_CACHE_HOME"] = p.path("own")
	}},
	{name: "others may read the key", seed: func(p *patient) {
		p.write("key", strings.Repeat("0f", 32), 0o644)
		set("VAWS_CACHE_KEY_FILE=" + p.path("key"))(p)
	}, about: "cache key", says: "others may read it"},
	{name: "the key is none", seed: func(p *patient) {
		p.write("key", "secret", 0o600)
		set("VAWS_CACHE_KEY_FILE=" + p.path("key"))(p)
	}, about: "cache key", says: "holds neither 32 bytes"},
	{name: "the key's directory is gone", seed: func(p *patient) { set("VAWS_CACHE_KEY_FILE=" + p.path("run/vaws/key"))(p) }, about: "cache key", says: "no such file or directory"},
	{name: "the keyring is locked", seed: func(p *patient) { p.must(p.keyring.Lock()) }, about: "cache key", says: "its login keyring is locked; until the next reboot the kernel keyring serves", warns: true,
		mend: func(p *patient, hints string) {
			p.told(hints, "unlock it by logging in to the desktop")
			p.must(p.keyring.Unlock())
		}},
	{name: "the keyring hangs", seed: func(p *patient) {
		silent, err := StartSilentBus()
		p.must(err)
		p.Cleanup(func() { _ = silent.Close() })
		p.env["DBUS_SESSION_BUS_ADDRESS"] = silent.Address
	}, about: "cache key", says: "timed out after 2s"},
	{name: "no such place", seed: set("VAWS_CACHE=memory"), about: "cache", says: `unknown cache mode "memory"`},
	{name: "a lock is held", seed: func(p *patient) {
		p.write("home/.cache/vaws/locks/x.lock", "", 0o600)
		p.must(os.Chmod(p.path("home/.cache/vaws"), 0o700), os.Chmod(p.path("home/.cache/vaws/locks"), 0o700))
		holder := p.command("flock", p.path("home/.cache/vaws/locks/x.lock"), "sleep", "600")
		holder.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		p.must(holder.Start())
		ended := make(chan error, 1)
		go func() { ended <- holder.Wait() }()
		p.Cleanup(func() { _ = syscall.Kill(-holder.Process.Pid, syscall.SIGKILL); <-ended })
		p.until(func() bool {
			return p.command("flock", "-n", p.path("home/.cache/vaws/locks/x.lock"), "true").Run() != nil
		})
		p.after = func() { _ = syscall.Kill(-holder.Process.Pid, syscall.SIGKILL) }
	}, about: "locks", says: `x.lock is held by process \d+`, warns: true, mend: func(p *patient, hints string) {
		p.told(hints, `run: kill \d+`)
		p.after() // sleep has the lock as well
		p.until(func() bool {
			return p.command("flock", "-n", p.path("home/.cache/vaws/locks/x.lock"), "true").Run() == nil
		})
	}},
	{name: "no home", seed: func(p *patient) {
		delete(p.env, "HOME")
		delete(p.env, "XDG_CACHE_HOME")
	}, about: "AWS config", says: "there is no home directory", mend: func(p *patient, hints string) {
		p.told(hints, "export HOME")
		p.env["HOME"] = p.path("home")
	}},

	// Vault
	{name: "no address", seed: func(p *patient) { delete(p.env, "VAULT_ADDR") }, about: "profile ec2-admin", says: "no Vault address is known",
		mend: func(p *patient, hints string) {
			p.told(hints, "run: export VAULT_ADDR=https://vault.example.com:8200")
			p.env["VAULT_ADDR"] = p.vault.Addr
		}},
	{name: "no scheme", seed: func(p *patient) { p.env["VAULT_ADDR"] = strings.TrimPrefix(p.vault.Addr, "http://") }, about: "profile ec2-admin", says: "is not an address",
		mend: func(p *patient, hints string) {
			p.told(hints, "say how to speak to it: https://127.0.0.1")
			p.env["VAULT_ADDR"] = p.vault.Addr
		}},
	{name: "nothing listens", seed: func(p *patient) { p.env["VAULT_ADDR"] = "http://127.0.0.1:1" }, about: "vault http://127.0.0.1:1", says: "connection refused",
		mend: func(p *patient, hints string) {
			p.told(hints, "is it running there\\? check VAULT_ADDR")
			p.env["VAULT_ADDR"] = p.vault.Addr
		}},
	{name: "no such host", seed: func(p *patient) { p.env["VAULT_ADDR"] = "https://no-such-host.invalid:8200" }, about: "vault https://no-such-host.invalid:8200", says: "finding https://no-such-host.invalid:8200",
		mend: func(p *patient, hints string) {
			p.told(hints, "check VAULT_ADDR or vaws_address")
			p.env["VAULT_ADDR"] = p.vault.Addr
		}},
	{name: "no TLS where it is wanted", seed: func(p *patient) { p.env["VAULT_ADDR"] = strings.Replace(p.vault.Addr, "http:", "https:", 1) }, about: "vault https:", says: "does not speak TLS",
		mend: func(p *patient, hints string) { p.run(strings.ReplaceAll(hints, "if that is meant: ", "run: ")) }},
	{name: "an unknown authority", seed: func(p *patient) { p.secure(); delete(p.env, "VAULT_CACERT") }, about: "vault https:", says: "signed by unknown authority",
		mend: func(p *patient, hints string) {
			p.told(hints, "export VAULT_CACERT=/path/to/ca.pem")
			p.env["VAULT_CACERT"] = p.files.CA
		}},
	{name: "another server's certificate", seed: func(p *patient) { p.secure(); p.env["VAULT_TLS_SERVER_NAME"] = "vault.example.com" }, about: "vault https:", says: "valid for localhost, not vault.example.com",
		mend: func(p *patient, hints string) {
			p.told(hints, "or set VAULT_TLS_SERVER_NAME")
			p.env["VAULT_TLS_SERVER_NAME"] = "localhost"
		}},
	{name: "sealed", seed: func(p *patient) { p.must(p.vault.Seal(p.ctx)) }, about: "vault ", says: "it is sealed", mend: func(p *patient, hints string) {
		p.told(hints, "run: vault operator unseal")
		p.must(p.vault.Unseal(p.ctx))
	}},
	{name: "a clock that is wrong", seed: func(p *patient) { p.skew(7 * time.Minute) }, about: "clock", says: "this machine's clock is (7m([0-9]s)?|6m5[0-9]s) ahead of Vault's; AWS refuses", mend: setClock},
	{name: "a clock that drifts", seed: func(p *patient) { p.skew(-time.Minute) }, about: "clock", says: "this machine's clock is (1m([0-9]s)?|5[0-9]s) behind Vault's", warns: true, mend: setClock},
	{name: "namespaces where there are none", seed: set("VAULT_NAMESPACE=team"), about: "namespace team", says: "ignores it", warns: true, mend: func(p *patient, hints string) {
		p.told(hints, "unset VAULT_NAMESPACE")
		delete(p.env, "VAULT_NAMESPACE")
	}},

	// the token
	{name: "no token", seed: func(p *patient) { delete(p.env, "VAULT_TOKEN") }, about: "token for http:", says: "no token for Vault", mend: newToken},
	{name: "a token that Vault does not know", seed: set("VAULT_TOKEN=hvs.nobody-made-this-one"), about: "token for http:", says: "does not accept the token", mend: newToken},
	{name: "a token that ends soon", seed: func(p *patient) { p.env["VAULT_TOKEN"] = p.token(map[string]any{"ttl": "2m"}) }, about: "token for http:", says: `[12]m(\d+s)? left`, warns: true, mend: newToken},
	{name: "a log-in that has expired", seed: func(p *patient) {
		delete(p.env, "VAULT_TOKEN")
		p.write("token", p.token(map[string]any{"ttl": "5s", "explicit_max_ttl": "5s"}), 0o600)
		p.shell("vaws login token --secret-file token")
		p.until(func() bool { return strings.Contains(p.shell("vaws status"), "has expired") })
	}, about: "token for http:", says: "the log-in to Vault at http://.* by token has expired", mend: func(p *patient, hints string) {
		p.write("token", p.token(nil), 0o600)
		p.run(strings.ReplaceAll(hints, "run: vaws login token", "run: vaws login token --secret-file token"))
	}},
	{name: "a log-in without its secret", seed: add("[profile job]\nvaws_role = ec2-admin\nvaws_auth = approle\nvaws_auth_role = x\nvaws_auth_secret_file = /nowhere/secret-id\n"), about: "token for http:", says: "reading the log-in's secret: .*/nowhere/secret-id",
		mend: func(p *patient, hints string) {
			p.told(hints, "set vaws_auth_secret_file to a file")
			roleID, secretID, err := p.vault.AppRole(p.ctx, LoginRole{Path: "approle", Name: "job", Policy: "doctor"}, SecretIDs{})
			p.must(err)
			p.write("secret-id", secretID, 0o600)
			p.edit("vaws_auth_role = x", "vaws_auth_role = "+roleID)
			p.edit("/nowhere/secret-id", p.path("secret-id"))
		}},
	{name: "a token helper that fails", seed: func(p *patient) {
		delete(p.env, "VAULT_TOKEN")
		p.write("home/.vault", `token_helper = "/nowhere/helper"`, 0o600)
	}, about: "token for http:", says: "asking the token helper", mend: func(p *patient, hints string) {
		p.told(hints, "check the token_helper in ~/.vault, or set VAULT_TOKEN")
		newToken(p, hints+"set VAULT_TOKEN")
	}},

	// the roles
	{name: "the policies do not allow it", seed: func(p *patient) {
		token, err := p.vault.MountToken(p.ctx, TokenOptions{Mount: "aws", Kind: "nothing"})
		p.must(err)
		p.env["VAULT_TOKEN"] = token
	}, about: "role aws/ec2-admin", says: "the token's policies do not allow it", mend: func(p *patient, hints string) {
		policy := regexp.MustCompile(`a policy that would do: (path .*\})`).FindStringSubmatch(hints)
		if policy == nil {
			p.Fatalf("no policy in %q", hints)
		}
		p.must(p.vault.Write(p.ctx, "sys/policies/acl/mended", map[string]any{"policy": policy[1]}))
		p.env["VAULT_TOKEN"] = p.token(map[string]any{"policies": []string{"mended"}})
	}},
	{name: "an unknown role", seed: add("[profile admin]\nvaws_role = ec2-amdin\n"), about: "role aws/ec2-amdin", says: "there is no such role", mend: func(p *patient, hints string) {
		p.told(hints, "did you mean ec2-admin\\?")
		p.edit("vaws_role = ec2-amdin", "vaws_role = ec2-admin")
	}},
	{name: "another mount", seed: add("[profile admin]\nvaws_role = aws2/ec2-admin\n"), about: "role aws2/ec2-admin", says: "do not allow it|no AWS secrets engine is mounted", mend: func(p *patient, hints string) {
		p.told(hints, "the AWS engines of this Vault: aws ")
		p.edit("aws2/", "aws/")
	}},
	{name: "less than AWS gives", seed: role("brief", map[string]any{"default_sts_ttl": 300}), about: "role aws/brief", says: "its default_sts_ttl is 5m, and AWS gives 15m at least"},
	{name: "at most less than AWS gives", seed: role("capped", map[string]any{"default_sts_ttl": 300, "max_sts_ttl": 600}), about: "role aws/capped", says: "its max_sts_ttl is 10m", mend: func(p *patient, hints string) {
		p.run(hints)
		p.must(p.vault.Write(p.ctx, "aws/roles/capped", map[string]any{"default_sts_ttl": 3600}))
	}},
	{name: "a call on every request", seed: role("hasty", map[string]any{"default_sts_ttl": 1200}), about: "role aws/hasty", says: "live 20m; of less than 30m, the AWS CLI and boto3 call vaws on every request", warns: true},
	{name: "more than Vault gives", seed: func(p *patient) {
		role("modest", map[string]any{"max_sts_ttl": 3600, "default_sts_ttl": 3600})(p)
		add("vaws_ttl = 2h\n")(p)
	}, about: "role aws/modest", says: "2h are asked for, and Vault gives 1h", warns: true, mend: func(p *patient, hints string) {
		p.run(strings.ReplaceAll(hints, "=1h", "=2h"))
	}},
	{name: "several AWS roles", seed: add("[profile many]\nvaws_role = multi\n"), about: "role aws/multi", says: "it has 2 role_arns, and none is chosen", mend: func(p *patient, hints string) {
		key := regexp.MustCompile(`choose one: (vaws_role_arn = \S+)`).FindStringSubmatch(hints)
		if key == nil {
			p.Fatalf("no key in %q", hints)
		}
		p.edit("vaws_role = multi\n", "vaws_role = multi\n"+key[1]+"\n")
	}},
}

// set sets variables.
func set(entries ...string) func(*patient) {
	return func(p *patient) {
		for _, entry := range entries {
			name, value, _ := strings.Cut(entry, "=")
			p.env[name] = value
		}
	}
}

// calling makes a command line the profile's credential_process.
func calling(command string) func(*patient) {
	return func(p *patient) {
		p.config("[profile ec2-admin]\ncredential_process = " + strings.ReplaceAll(command, "VAWS", p.vaws()) + "\n")
	}
}

// add adds lines to the AWS config.
func add(text string) func(*patient) {
	return func(p *patient) {
		p.config(p.read("home/.aws/config") + strings.ReplaceAll(text, "VAWS", p.vaws()))
	}
}

// role makes a role, and a profile for it.
func role(name string, more map[string]any) func(*patient) {
	return func(p *patient) {
		data := map[string]any{"credential_type": "assumed_role", "role_arns": RoleARN(Account, name)}
		maps.Copy(data, more)
		p.must(p.vault.Write(p.ctx, "aws/roles/"+name, data))
		add("[profile " + name + "]\nvaws_role = " + name + "\n")(p)
	}
}

func newToken(p *patient, hints string) {
	p.told(hints, "VAULT_TOKEN")
	p.env["VAULT_TOKEN"] = p.token(nil)
}

func setClock(p *patient, hints string) {
	p.told(hints, "run: sudo timedatectl set-ntp true")
	p.clock = 0
}

// TestDoctor seeds each fault into a set-up that is in order. The doctor has to find and
// name it; then its hint is followed, and it has to find everything in order.
func TestDoctor(t *testing.T) {
	if len(faults) < 25 {
		t.Fatalf("only %d faults", len(faults))
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	ward := openWard(ctx, t)
	for _, f := range faults {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			p := ward.admit(t)
			f.seed(p)
			found := p.examine()
			sick := slices.IndexFunc(found.Findings, func(one finding) bool {
				return one.Status != "ok" && strings.HasPrefix(one.About, f.about) && regexp.MustCompile(f.says).MatchString(one.Text)
			})
			if sick < 0 {
				t.Fatalf("not found: %s", found.text)
			}
			if warns := found.Findings[sick].Status == "warn"; warns != f.warns || found.OK != f.warns || (found.status == 0) != f.warns {
				t.Errorf("warns %t, ok %t, exit status %d", warns, found.OK, found.status)
			}
			hints := strings.Join(found.Findings[sick].Hints, "\n")
			t.Logf("%s: %s\n%s", found.Findings[sick].About, found.Findings[sick].Text, hints)
			if f.mend == nil {
				p.run(hints)
			} else {
				f.mend(p, hints)
			}
			if after := p.examine(); !after.OK || after.status != 0 || slices.ContainsFunc(after.Findings, func(one finding) bool { return one.Status != "ok" }) {
				t.Errorf("after %q: %s", hints, after.text)
			}
		})
	}
}

// ward is what the patients share.
type ward struct {
	ctx     context.Context
	bin     *Binaries
	shims   string
	keyring *Keyring
	vault   *Vault
	tls     *Vault
	files   *TLSFiles
}

func openWard(ctx context.Context, t *testing.T) *ward {
	w := &ward{ctx: ctx, bin: binariesFor(t), shims: t.TempDir()}
	stand, err := aws.New(aws.Options{})
	w.check(t, err)
	t.Cleanup(func() { _ = stand.Close() })
	w.keyring, err = StartKeyring(ctx, t.TempDir())
	w.check(t, err)
	t.Cleanup(func() { _ = w.keyring.Close() })
	w.files, err = NewTLS(t.TempDir(), time.Now())
	w.check(t, err)
	for to, o := range map[**Vault]VaultOptions{&w.vault: {}, &w.tls: {TLS: w.files}} {
		o.Binary = w.bin.Vault
		v, err := StartVault(ctx, o)
		w.check(t, err)
		t.Cleanup(func() { _ = v.Close() })
		w.check(t, v.MountAWS(ctx, "aws", stand, Account))
		w.check(t, v.Write(ctx, "sys/policies/acl/doctor", map[string]any{"policy": `path "aws/*" { capabilities = ["read", "update", "list"] }`}))
		*to = v
	}
	// What hints call, and the lab does not have.
	w.check(t, os.WriteFile(filepath.Join(w.shims, "sudo"), []byte("#!/bin/sh\nexec \"$@\"\n"), 0o700))
	w.check(t, os.WriteFile(filepath.Join(w.shims, "vault"), []byte(`#!/bin/sh
[ "$1" = write ] || exit 1
exec curl -sf -H "X-Vault-Token: $LAB_ROOT" -d "{\"${3%%=*}\": \"${3#*=}\"}" "$VAULT_ADDR/v1/$2"
`), 0o700))
	return w
}

func (w *ward) check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patient is a user with a HOME of his own.
type patient struct {
	*testing.T
	*ward
	work  string
	env   map[string]string
	clock time.Duration // by how much this machine's is ahead of Vault's
	after func()
}

// admit returns a patient who is well.
func (w *ward) admit(t *testing.T) *patient {
	p := &patient{T: t, ward: w, work: t.TempDir()}
	p.env = map[string]string{
		"HOME": p.path("home"), "XDG_CACHE_HOME": p.path("home/.cache"),
		"PATH": w.bin.Dir + ":" + w.shims + ":/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb",
		"DBUS_SESSION_BUS_ADDRESS": w.keyring.Address,
		"VAULT_ADDR":               w.vault.Addr, "LAB_ROOT": w.vault.RootToken,
	}
	p.env["VAULT_TOKEN"] = p.token(nil)
	p.write("home/.aws/config", "", 0o600)
	calling("VAWS credential-process ec2-admin")(p)
	return p
}

func (p *patient) must(errs ...error) {
	p.Helper()
	if err := errors.Join(errs...); err != nil {
		p.Fatal(err)
	}
}

func (p *patient) asRoot() {
	if os.Geteuid() != 0 {
		p.Skip("only root can give files away")
	}
}

func (p *patient) path(name string) string { return filepath.Join(p.work, name) }
func (p *patient) vaws() string            { return filepath.Join(p.bin.Dir, "vaws") }

func (p *patient) write(name, text string, mode os.FileMode) {
	p.Helper()
	p.must(os.MkdirAll(filepath.Dir(p.path(name)), 0o700), os.WriteFile(p.path(name), []byte(text), mode))
}

func (p *patient) read(name string) string {
	p.Helper()
	text, err := os.ReadFile(p.path(name))
	p.must(err)
	return string(text)
}

func (p *patient) config(text string) { p.write("home/.aws/config", text, 0o600) }

// edit changes the AWS config as a person does with an editor.
func (p *patient) edit(from, to string) {
	p.Helper()
	text := p.read("home/.aws/config")
	if strings.Count(text, from) != 1 {
		p.Fatalf("%q is not in the config once: %q", from, text)
	}
	p.config(strings.Replace(text, from, to, 1))
}

// told wants a hint.
func (p *patient) told(hints, pattern string) {
	p.Helper()
	if !regexp.MustCompile(pattern).MatchString(hints) {
		p.Fatalf("no hint like %q in %q", pattern, hints)
	}
}

// token makes a Vault token that may do all that there is to do on the mount.
func (p *patient) token(more map[string]any) string {
	p.Helper()
	data := map[string]any{"policies": []string{"doctor"}}
	maps.Copy(data, more)
	secret, err := p.vault.Client().Logical().WriteWithContext(p.ctx, "auth/token/create-orphan", data)
	p.must(err)
	return secret.Auth.ClientToken
}

// mount mounts a small file system where the cache goes.
func (p *patient) mount(options string) {
	p.Helper()
	p.must(os.MkdirAll(p.path("home/.cache"), 0o700))
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", p.path("home/.cache")).CombinedOutput(); err != nil {
		p.Skipf("no file system can be mounted: %s", out)
	}
	p.Cleanup(func() { _ = exec.Command("umount", p.path("home/.cache")).Run() })
}

// fill leaves no room beside a file.
func (p *patient) fill(name string) {
	p.Helper()
	f, err := os.Create(p.path(name))
	p.must(err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 1<<10))
	}
}

// secure moves the patient to the Vault that speaks TLS.
func (p *patient) secure() {
	moved := *p.ward
	moved.vault = p.tls
	p.ward = &moved
	p.env["VAULT_ADDR"], p.env["VAULT_CACERT"] = p.tls.Addr, p.files.CA
	p.env["VAULT_TOKEN"] = p.token(nil)
}

// skew puts a proxy before Vault that changes its clock.
func (p *patient) skew(ahead time.Duration) {
	target, err := url.Parse(p.vault.Addr)
	p.must(err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	p.clock = ahead
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(-p.clock).UTC().Format(http.TimeFormat))
		return nil
	}
	server := httptest.NewServer(proxy)
	p.Cleanup(server.Close)
	p.env["VAULT_ADDR"] = server.URL
}

func (p *patient) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.ctx, name, args...)
	if path := filepath.Join(p.bin.Dir, name); name == "vaws" {
		cmd.Path = path
		cmd.Err = nil
	}
	cmd.Dir = p.work
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// run pastes the hints that are commands into the patient's shell.
func (p *patient) run(hints string) {
	p.Helper()
	ran := false
	for line := range strings.Lines(hints) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "run: "); ok {
			p.shell(command)
			ran = true
		}
	}
	if !ran {
		p.Fatalf("no command in %q", hints)
	}
}

// shell runs a command line, and keeps what it does to the environment.
func (p *patient) shell(line string) string {
	p.Helper()
	cmd := p.command("sh", "-c", "set -e\n"+line+"\nenv -0 >"+p.path("env"))
	cmd.Args[2] = strings.ReplaceAll(cmd.Args[2], "\nenv ", "\n/usr/bin/env ")
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Fatalf("%s: %v\n%s", line, err, out)
	}
	p.env = map[string]string{}
	for entry := range strings.SplitSeq(strings.TrimRight(p.read("env"), "\x00"), "\x00") {
		if name, value, _ := strings.Cut(entry, "="); name != "PWD" && name != "OLDPWD" && name != "_" && name != "SHLVL" {
			p.env[name] = value
		}
	}
	return string(out)
}

func (p *patient) until(done func() bool) {
	p.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatal("it did not come about")
		}
	}
}

type finding struct {
	About, Status, Text string
	Hints               []string
}

type examination struct {
	OK       bool
	Findings []finding
	text     string
	status   int
}

// examine runs the doctor, who has to answer in time, whatever is broken.
func (p *patient) examine() examination {
	p.Helper()
	cmd := p.command("vaws", "doctor", "--json")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	if took := time.Since(began); took > 16*time.Second {
		p.Errorf("it took %s", took)
	}
	e := examination{text: string(out) + stderr.String(), status: cmd.ProcessState.ExitCode()}
	if stderr.Len() > 0 {
		p.Errorf("on stderr: %s", stderr.String())
	}
	if jsonErr := json.Unmarshal(out, &e); jsonErr != nil {
		p.Fatalf("%v, %v: %s", err, jsonErr, e.text)
	}
	if token := p.env["VAULT_TOKEN"]; token != "" && strings.Contains(e.text, token) {
		p.Errorf("it shows the token: %s", e.text)
	}
	return e
}
