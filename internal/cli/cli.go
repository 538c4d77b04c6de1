// Package cli is the command line: the grammar, a file for each command, the
// wiring of the rooms, and all printing.
package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"vaws/internal/child"
	"vaws/internal/faultpoint"
	"vaws/internal/hint"
	"vaws/internal/term"
)

// Exit statuses. exec has one of its own for its failures, so that they are not
// taken for the command's; env(1) and nohup(1) use the same.
const (
	statusFailure     = 1
	statusUsage       = 2
	statusExecFailure = 125
)

// grammar is every command. The text of a tag is its help.
type grammar struct {
	CredentialProcess credentialProcess `cmd:"" group:"use" name:"credential-process" help:"Print credentials as JSON for an SDK's credential_process."`
	Exec              execCommand       `cmd:"" group:"use" help:"Run a command with credentials in its environment."`
	Env               envCommand        `cmd:"" group:"use" help:"Print statements for a shell's eval."`
	Serve             serveCommand      `cmd:"" group:"use" help:"Serve credentials on a port of this machine."`
	Console           consoleCommand    `cmd:"" group:"use" help:"Sign a browser in to the AWS console."`
	Login             loginCommand      `cmd:"" group:"vault" help:"Log in to Vault and keep the token."`
	Logout            logoutCommand     `cmd:"" group:"vault" help:"Forget the token, and the IAM users that end with it."`
	List              listCommand       `cmd:"" group:"look" help:"List the profiles that use vaws, or the roles that Vault offers."`
	Status            statusCommand     `cmd:"" group:"look" help:"Show what is cached, and how Vault is."`
	Doctor            doctorCommand     `cmd:"" group:"look" help:"Find out what is wrong, and how to mend it."`
	Configure         configureCommand  `cmd:"" group:"care" help:"Write profiles for Vault's roles into the AWS config."`
	Clear             clearCommand      `cmd:"" group:"care" help:"Forget cached credentials, and revoke their leases if asked to."`
	Completion        completionCommand `cmd:"" group:"care" help:"Print what makes a shell complete vaws's command lines."`
	Version           versionCommand    `cmd:"" group:"care" help:"Print the version."`
	Man               manCommand        `cmd:"" hidden:"" help:"Print the manual pages."`
	TokenHelper       tokenHelper       `cmd:"" name:"token-helper" hidden:"" help:"Keep the token of the vault CLI."`
}

// groups are what the commands are for, with an example of each.
var groups = []kong.Group{
	{Key: "use", Title: "Use credentials:", Description: "vaws exec ec2-admin -- aws s3 ls"},
	{Key: "vault", Title: "Log in to Vault:", Description: "vaws login oidc --auth-role dev"},
	{Key: "look", Title: "See what is going on:", Description: "vaws doctor"},
	{Key: "care", Title: "Set up and clear up:", Description: "vaws configure"},
}

const description = `AWS credentials from HashiCorp Vault or OpenBao, cached in the OS keyring.

NAME is a profile of the AWS config, a Vault role, or MOUNT/ROLE.`

// session is one call of vaws.
type session struct {
	console
	environ []string // as it was at the start
	getenv  func(string) string
	now     func() time.Time
	calm    func() // ends quitQuietly, if that is on
	catches bool   // signals, instead of being ended by them
}

// helperName is a name under which vaws is its command token-helper: ~/.vault can
// name a program, but no arguments.
const helperName = "vaws-token-helper"

// Main runs the command line, which begins with the program's name, and returns the
// exit status.
func Main(args []string) int {
	if len(args) == 2 && args[1] == child.LenderWord {
		child.BeLender()
		return 0
	}
	child.Conceal()
	// net/http logs what a server sends beyond its answer, which can be half a secret.
	log.SetOutput(io.Discard)
	program, args := filepath.Base(args[0]), args[1:]
	if strings.TrimSuffix(program, ".exe") == helperName {
		args = append([]string{"token-helper"}, args...)
	}
	environ := os.Environ()
	s := &session{
		console: console{out: os.Stdout, err: os.Stderr},
		environ: environ,
		getenv:  snapshot(environ),
		// Without its monotonic reading, which stands still while a laptop sleeps.
		now:  func() time.Time { return faultpoint.Now().Round(0) },
		calm: func() {},
	}
	err := s.run(args)
	if err == nil {
		return 0
	}
	if exited := child.Exited(0); errors.As(err, &exited) {
		return int(exited)
	}
	if killed := (child.Killed{}); errors.As(err, &killed) {
		child.DieOf(killed.Signal)
	}
	if errors.Is(err, term.ErrInterrupted) {
		child.DieOf(syscall.SIGINT) // who pressed Ctrl-C knows why
	}
	if errors.Is(err, errReported) {
		return statusFailure
	}
	s.printError(err)
	return status(err, len(args) > 0 && args[0] == "exec")
}

// snapshot looks variables up as they were at the start: the vault room changes
// the environment for moments.
func snapshot(environ []string) func(string) string {
	fold := func(name string) string { return name }
	if runtime.GOOS == "windows" { // where names that differ only in case are the same
		fold = strings.ToUpper
	}
	values := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if _, known := values[fold(name)]; !known {
			values[fold(name)] = value
		}
	}
	getenv := func(name string) string { return values[fold(name)] }
	if namesTwoVaults(getenv) {
		return getenv
	}
	return func(name string) string {
		value := getenv(name)
		if rest, isVaults := strings.CutPrefix(name, "VAULT_"); isVaults && value == "" {
			value = getenv("BAO_" + rest) // OpenBao's name for the same
		}
		return value
	}
}

// namesTwoVaults reports whether VAULT_ADDR and BAO_ADDR differ. The token of the one
// must not go to the other; VAULT_* counts.
func namesTwoVaults(getenv func(string) string) bool {
	vault, bao := getenv("VAULT_ADDR"), getenv("BAO_ADDR")
	return vault != "" && bao != "" && vault != bao
}

func (s *session) run(args []string) error {
	switch {
	case len(args) == 0:
		return usageError{hint.Errorf("run: vaws --help", "no command given")}
	case args[0] == completeWord:
		return s.complete(args[1:])
	case args[0] == "--version":
		args = []string{"version"}
	case args[0] == "help":
		args = append(args[1:], "--help")
	}
	if command := unparsed(args); command != nil {
		return command.Run(s)
	}
	if !isCommand(args[0]) && !strings.HasPrefix(args[0], "-") {
		return unknownCommand(args[0])
	}
	shown := false
	parser, err := newParser(args[0], kong.Writers(s.out, s.err), kong.Exit(func(int) { shown = true }))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	switch {
	case shown: // the help that was asked for
		return nil
	case err != nil:
		return usageError{hint.Wrap(err, "run: vaws "+commandOf(err)+"--help")}
	}
	return command.Run(s)
}

// unparsed is the command of a line that needs no parser: kong would take half a
// millisecond for it, a tenth of what a cache hit takes. So SDKs call vaws, and
// scripts that look whether it is there.
func unparsed(args []string) interface{ Run(*session) error } {
	switch {
	case len(args) == 1 && args[0] == "version":
		return versionCommand{}
	case len(args) == 2 && args[0] == "credential-process" && !strings.HasPrefix(args[1], "-"):
		return credentialProcess{Name: args[1], targetFlags: targetFlags{Settle: defaultSettle}}
	}
	return nil
}

// newParser parses the named command, or all of them if there is no such command.
func newParser(command string, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(grammarFor(command), append(options,
		kong.Name("vaws"),
		kong.Description(description),
		kong.KindMapper(reflect.String, kong.MapperFunc(setWord)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups(groups),
		kong.Vars{"shells": shellNames(), "methods": methodNames()},
	)...)
}

// setWord takes a word as it is. Kong's own way leads through JSON, which changes what is
// not UTF-8: names of files, and any argument of a command under exec.
func setWord(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err == nil {
		target.SetString(fmt.Sprint(token.Value))
	}
	return err
}

func unknownCommand(name string) error {
	var names []string
	for _, c := range commands() {
		names = append(names, c.text)
	}
	advice := []string{"run: vaws --help"}
	if near := hint.DidYouMean(name, names); near != "" {
		advice = append([]string{near}, advice...)
	}
	return usageError{hint.Wrap(fmt.Errorf("there is no command %q", name), advice...)}
}

// grammarFor is the grammar with the named command alone, or all of it if there
// is no such command. For one command kong needs 0.2 ms, for all of them 1.5 ms,
// which is a third of what a cache hit takes.
func grammarFor(command string) any {
	all := reflect.TypeFor[grammar]()
	for i := range all.NumField() {
		if field := all.Field(i); commandName(field) == command {
			return reflect.New(reflect.StructOf([]reflect.StructField{field})).Interface()
		}
	}
	return &grammar{}
}

// commandName is the name of the command that a field of the grammar is.
func commandName(field reflect.StructField) string {
	return cmp.Or(field.Tag.Get("name"), strings.ToLower(field.Name))
}

func isCommand(name string) bool {
	all := reflect.TypeFor[grammar]()
	for i := range all.NumField() {
		if commandName(all.Field(i)) == name {
			return true
		}
	}
	return false
}

// commandOf is the command that a parse error is about, followed by a space.
func commandOf(err error) string {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context.Command() == "" {
		return ""
	}
	return strings.Fields(parse.Context.Command())[0] + " "
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func status(err error, isExec bool) int {
	var run *child.Error
	var usage usageError
	switch {
	case errors.As(err, &run):
		return run.Status
	case isExec:
		return statusExecFailure
	case errors.As(err, &usage):
		return statusUsage
	}
	return statusFailure
}
