package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/rogpeppe/go-internal/testscript"
)

var vaultCommands = map[string]command{
	"vault":        {usage: "[@NAME] SUBCOMMAND ARG…", least: 1, run: runVault},
	"secondvault":  {usage: "NAME", least: 1, run: runSecondVault},
	"tlsvault":     {usage: "NAME", least: 1, run: runTLSVault},
	"sessionvault": {usage: "NAME", least: 1, run: runSessionVault},
}

// vaultSubcommands take the Vault that is meant.
var vaultSubcommands = map[string]struct {
	least int
	run   func(s *script, v *Vault, ts *testscript.TestScript, args []string) error
}{
	"stop": {0, func(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
		return s.amid(ts, args, []*Vault{v}, func() error { v.Stop(); return nil })
	}},
	"kill": {0, func(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
		return s.amid(ts, args, []*Vault{v}, func() error { v.Kill(); return nil })
	}},
	"start": {0, func(s *script, v *Vault, _ *testscript.TestScript, _ []string) error {
		s.amids.Wait()
		return v.Start(s.ctx)
	}},
	"seal":     {0, func(s *script, v *Vault, _ *testscript.TestScript, _ []string) error { return v.Seal(s.ctx) }},
	"unseal":   {0, func(s *script, v *Vault, _ *testscript.TestScript, _ []string) error { return v.Unseal(s.ctx) }},
	"write":    {1, vaultWrite},
	"read":     {1, vaultRead},
	"list":     {1, vaultList},
	"delete":   {1, vaultDelete},
	"mount":    {1, vaultMount},
	"token":    {2, vaultToken},
	"policy":   {2, vaultPolicy},
	"enable":   {2, vaultEnable},
	"requests": {1, vaultRequests},
	"root":     {1, vaultRoot},

	"approle":    {4, vaultAppRole},
	"cert":       {2, vaultCert},
	"jwt":        {2, vaultJWT},
	"kubernetes": {2, vaultKubernetes},
	"ldap":       {3, vaultLDAP},
	"oidc":       {2, vaultOIDC},
	"user":       {3, vaultUser},
}

func runVault(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	name := ""
	if rest, ok := strings.CutPrefix(args[0], "@"); ok {
		name, args = rest, args[1:]
	}
	v := s.vaults[name]
	if v == nil {
		return fmt.Errorf("there is no Vault %q", name)
	}
	if len(args) == 0 {
		return fmt.Errorf("which subcommand?")
	}
	sub, ok := vaultSubcommands[args[0]]
	if !ok || len(args)-1 < sub.least {
		return fmt.Errorf("no such subcommand, or too few arguments")
	}
	return sub.run(s, v, ts, args[1:])
}

// amid does something at once, or, if the arguments are after=N, in the background when N
// more requests have reached the Vaults.
func (s *script) amid(ts *testscript.TestScript, args []string, vaults []*Vault, do func() error) error {
	if len(args) == 0 {
		return do()
	}
	text, ok := strings.CutPrefix(args[0], "after=")
	n, err := strconv.Atoi(text)
	if err != nil || !ok || len(args) > 1 {
		return fmt.Errorf("what is %q?", args)
	}
	before, err := countRequests(vaults)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	failed := make(chan error, 1)
	s.amids.Go(func() {
		for err := error(nil); err == nil && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			var now int
			if now, err = countRequests(vaults); err == nil && now >= before+n {
				failed <- do()
				return
			}
		}
		failed <- errors.New("it never came to that")
	})
	ts.Defer(func() {
		cancel()
		if err := <-failed; err != nil {
			ts.Fatalf("%v: %v", args, err)
		}
	})
	return nil
}

func countRequests(vaults []*Vault) (n int, err error) {
	for _, v := range vaults {
		all, err := v.Requests()
		if err != nil {
			return n, err
		}
		n += len(all)
	}
	return n, nil
}

// show makes an answer's JSON the stdout of the command.
func show(ts *testscript.TestScript, answer *api.Secret, err error) error {
	if err != nil || answer == nil {
		return err
	}
	return json.NewEncoder(ts.Stdout()).Encode(answer)
}

func vaultWrite(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	data := map[string]any{}
	for _, arg := range args[1:] {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%q is not KEY=VALUE", arg)
		}
		if file, ok := strings.CutPrefix(value, "@"); ok {
			value = ts.ReadFile(file)
		}
		data[key] = value
	}
	answer, err := v.Client().Logical().WriteWithContext(s.ctx, args[0], data)
	return show(ts, answer, err)
}

func vaultRead(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	answer, err := v.Client().Logical().ReadWithContext(s.ctx, args[0])
	if err == nil && answer == nil {
		err = fmt.Errorf("nothing there")
	}
	return show(ts, answer, err)
}

func vaultList(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	answer, err := v.Client().Logical().ListWithContext(s.ctx, args[0])
	return show(ts, answer, err)
}

func vaultDelete(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	answer, err := v.Client().Logical().DeleteWithContext(s.ctx, args[0])
	return show(ts, answer, err)
}

func vaultMount(s *script, v *Vault, _ *testscript.TestScript, args []string) error {
	account := Account
	if len(args) > 1 {
		account = args[1]
	}
	return v.MountAWS(s.ctx, args[0], s.stand, account)
}

// tokenOptions reads the optional words after a command's fixed arguments.
func tokenOptions(kind string, words []string) (TokenOptions, error) {
	o := TokenOptions{Mount: "aws", Kind: kind}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "mount":
			o.Mount = value
		case "ttl":
			o.TTL = value
		case "batch":
			o.Batch = true
		case "no-default":
			o.NoDefault = true
		default:
			return o, fmt.Errorf("unknown option %q", word)
		}
	}
	return o, nil
}

func vaultToken(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	o, err := tokenOptions(args[0], args[2:])
	if err != nil {
		return err
	}
	token, err := v.MountToken(s.ctx, o)
	if err != nil {
		return err
	}
	ts.Setenv(args[1], token)
	return nil
}

func vaultRoot(_ *script, v *Vault, ts *testscript.TestScript, args []string) error {
	ts.Setenv(args[0], v.RootToken)
	return nil
}

func vaultPolicy(s *script, v *Vault, ts *testscript.TestScript, args []string) error {
	o, err := tokenOptions(args[0], args[2:])
	if err != nil {
		return err
	}
	name, err := v.MountPolicy(s.ctx, o.Mount, o.Kind)
	if err != nil {
		return err
	}
	ts.Setenv(args[1], name)
	return nil
}

func vaultEnable(s *script, v *Vault, _ *testscript.TestScript, args []string) error {
	return v.EnableAuth(s.ctx, args[0], args[1])
}

func vaultRequests(_ *script, v *Vault, _ *testscript.TestScript, args []string) error {
	if args[0] == "reset" {
		return v.ResetRequests()
	}
	all, err := v.Requests()
	if err != nil {
		return err
	}
	var found []string
	for _, line := range all {
		if len(args) < 2 || strings.Contains(line, args[1]) {
			found = append(found, line)
		}
	}
	if err := compareCount(len(found), args[0]); err != nil {
		return fmt.Errorf("%w:\n%s", err, strings.Join(found, "\n"))
	}
	return nil
}

// compareCount holds a number against N, <=N or >=N.
func compareCount(got int, want string) error {
	number := strings.TrimLeft(want, "<>=")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	ok := false
	switch strings.TrimSuffix(want, number) {
	case "":
		ok = got == n
	case "<=":
		ok = got <= n
	case ">=":
		ok = got >= n
	default:
		return fmt.Errorf("%q is not N, <=N or >=N", want)
	}
	if !ok {
		return fmt.Errorf("got %d, want %s", got, want)
	}
	return nil
}

func runSecondVault(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	return s.nameVault(ts, args[0], nil)
}

func runTLSVault(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	dir := filepath.Join(s.search.root, "tls-"+args[0])
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	files, err := NewTLS(dir, time.Now())
	if err != nil {
		return err
	}
	ts.Setenv(args[0]+"_CACERT", files.CA)
	ts.Setenv(args[0]+"_CLIENT_CERT", files.ClientCert)
	ts.Setenv(args[0]+"_CLIENT_KEY", files.ClientKey)
	return s.nameVault(ts, args[0], files)
}

func (s *script) nameVault(ts *testscript.TestScript, name string, files *TLSFiles) error {
	v, token, err := s.addVault(name, OtherAccount, files)
	if err == nil {
		setVault(ts, name, v, token)
	}
	return err
}

func setVault(ts *testscript.TestScript, name string, v *Vault, token string) {
	ts.Setenv(name+"_ADDR", v.Addr)
	ts.Setenv(name+"_TOKEN", token)
}

// runSessionVault starts a Vault as it runs on an EC2 instance: with a session's
// keys in its environment and none in its configuration.
func runSessionVault(s *script, ts *testscript.TestScript, _ bool, args []string) error {
	user := "host-" + args[0]
	if err := s.stand.CreateUser(OtherAccount, user); err != nil {
		return err
	}
	id, secret, token, err := s.stand.AddSession(OtherAccount, user, time.Hour)
	if err != nil {
		return err
	}
	v, err := s.startVault(args[0], VaultOptions{Env: []string{
		"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token,
	}})
	if err != nil {
		return err
	}
	if err := v.MountAWSFromEnvironment(s.ctx, "aws", s.stand, OtherAccount); err != nil {
		return err
	}
	vaultToken, err := v.MountToken(s.ctx, TokenOptions{Mount: "aws", Kind: "full"})
	setVault(ts, args[0], v, vaultToken)
	return err
}
