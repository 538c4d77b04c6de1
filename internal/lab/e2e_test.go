package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/*.txtar drive vaws as its users do. Each script has
// for itself: a real Vault, an AWS stand-in, an unlocked keyring on a private
// session bus, and a HOME. The commands that testscript knows (exec, stdout,
// stderr, cmp, env, exists, grep, stdin, wait …) are described in its package
// documentation; these are added:
//
//	vault [@NAME] start | seal | unseal
//	vault [@NAME] stop | kill [after=N]     after=N: in the background, when N more requests
//	                                        have come in; start waits for that
//	vault [@NAME] write PATH [KEY=VALUE…]   as root; the answer's JSON is stdout;
//	                                        KEY=@FILE reads the value from a file
//	vault [@NAME] read PATH | list PATH | delete PATH
//	vault [@NAME] mount PATH [ACCOUNT]      one more AWS engine with the default roles
//	vault [@NAME] token KIND VAR [mount=PATH] [ttl=20m] [batch] [no-default]
//	vault [@NAME] policy KIND VAR [mount=PATH]
//	vault [@NAME] enable METHOD PATH        an auth method
//	vault [@NAME] requests N [TEXT]         requests since the start or the last
//	vault [@NAME] requests reset            reset, those whose line has TEXT
//	vault [@NAME] root VAR                  the root token
//
//	vault [@NAME] approle ROLE KIND ROLEIDVAR SECRETIDVAR [uses=N] [expires=2s] [OPTION…]
//	                                        uses and expires are the secret ID's; Vault
//	                                        tidies expired ones away within a minute
//	vault [@NAME] cert ROLE KIND [OPTION…]  for the client certificate of tlsvault NAME
//	vault [@NAME] jwt ROLE KIND [OPTION…]   for the JWTs of jwt and github
//	vault [@NAME] kubernetes ROLE KIND [OPTION…]
//	                                        for the JWTs of serviceaccount
//	vault [@NAME] ldap NAME PASSWORD KIND [OPTION…]
//	                                        a user of an LDAP server; the options that
//	                                        tell of tokens hold for all its users
//	vault [@NAME] oidc ROLE KIND [form_post] [OPTION…]
//	                                        for the users of idp; ROLE is the default
//	                                        role; form_post has an ID token posted to
//	                                        the client in the place of a code
//	vault [@NAME] user NAME PASSWORD KIND [totp] [OPTION…]
//	                                        of the method userpass; totp asks for a code
//	                                        (login MFA, method userpass-NAME)
//	idp user NAME PASSWORD [GROUP…]         somebody who can sign in to the identity
//	                                        provider; every idp command sets IDP_ADDR
//	idp wrong-nonce                         in the next ID token
//	idp hang | answer                       answers nothing, or again
//	jwt FILE [aud=TEXT] [sub=TEXT] [expired]
//	                                        a JWT (audience vaws-lab, subject job) that
//	                                        FILE is let hold
//	serviceaccount FILE [expired]           a Kubernetes service account's JWT
//	github                                  the token server of GitHub Actions: sets
//	                                        ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN
//	totp NAME VAR                           a code that Vault takes now; waits for a
//	                                        third one within 30 seconds
//
//	secondvault NAME                        another Vault: sets NAME_ADDR, NAME_TOKEN;
//	                                        its mount aws acts in OTHER_ACCOUNT
//	tlsvault NAME                           the same over https: sets NAME_CACERT,
//	                                        NAME_CLIENT_CERT and NAME_CLIENT_KEY too
//	sessionvault NAME                       the same as secondvault, but Vault runs on
//	                                        session credentials; no static-user
//	raft NAME                               a Vault of three nodes with integrated storage:
//	                                        sets NAME_TOKEN, NAME_1_ADDR to NAME_3_ADDR, and
//	                                        NAME_ADDR, where a balancer hands connections to
//	                                        the nodes that listen; @NAME_1 to @NAME_3 are
//	                                        the nodes for the commands above
//	raft NAME leader VAR | standby VAR      sets VAR to the name of a node, such as NAME_2,
//	                                        and VAR_ADDR; waits for a leader
//	raft NAME kill leader [after=N]         as vault kill; N counts the requests to all nodes
//	raft NAME start                         the nodes that do not run, and waits for a leader
//	agent NAME [@VAULT] [force | no-auth] [require-header] [ttl=20m]
//	                                        a Vault Agent that gives requests without a
//	                                        token its own (kind full, mount aws), or all
//	                                        of them, or none; with require-header, for
//	                                        those with X-Vault-Request only: sets
//	                                        NAME_ADDR and NAME_SOCKET (unix:///…); its
//	                                        own log-ins do not count as requests
//	agent NAME stop
//	openbao NAME [NAMESPACE…]               the first Vault, answering as OpenBao does:
//	                                        sets NAME_ADDR and NAME_TOKEN (kind full);
//	                                        "spied NAME" tells what reached it
//
//	calls ACTION N                          AWS calls so far; N may be <=N or >=N
//	calls reset
//	aws-fail ACTION TIMES CODE STATUS TEXT  TIMES -1 is for ever
//	aws-delay ACTION DURATION
//	aws-deny ROLEARN
//	aws-reset                               ends aws-fail, aws-delay and aws-deny
//	aws-lifetime DURATION                   of sessions from now on; 0 ends that
//	aws-keydelay DURATION                   until a new IAM key works
//	aws-keyrefusals N                       uses of a new IAM key that are refused
//	aws-mfa CODE
//	aws-tokenlength N
//	aws-stop                                nothing listens there any more
//	aws-admins FILE                         a credentials file with the keys of an
//	                                        administrator of ACCOUNT (default) and of
//	                                        OTHER_ACCOUNT (other)
//	minted N [ACCOUNT]                      IAM users that Vault made and that exist
//
//	keyring lock | unlock | stop | start | silent | none
//	keyring dies BYTES | stalls BYTES       after so many bytes of the bus's answers it
//	                                        hangs up, or says no more
//	keyring unanswered                      questions of the keyring to its user stay
//	                                        without an answer; "keyring prompts N" tells
//	                                        how many there were
//
//	[!] parallel N PREFIX COMMAND ARG…      N at once; writes PREFIX.I.out, .err and
//	                                        .status; fails if one fails (with !: if
//	                                        one succeeds); {} is the copy's number
//	waitfor DURATION COMMAND ARG…           repeats the command until it succeeds
//	[!] json FILE KEY [VALUE]               a value by its dotted path; ~REGEXP matches;
//	                                        without VALUE: whether the key is there
//	expiry FILE <=DURATION|>=DURATION       an Expiration: how far off, and never later
//	                                        than AWS's own for that key
//	jsonvar FILE KEY VAR                    sets a variable from a value
//	capture VAR                             sets a variable to the last stdout, trimmed
//	[!] clitoken get | store TOKEN | erase  what the vault CLI does with its token
//	spy NAME                                a server that writes down what it is sent:
//	                                        sets NAME_ADDR, NAME_TLS_ADDR, NAME_CACERT
//	badserver NAME KIND [@VAULT]            a broken server, proxy or network before a Vault
//	                                        (see behaviours), or unreachable: drops every
//	                                        SYN; or with TLS: tls, expired: sets NAME_ADDR
//	                                        and, with TLS, NAME_CACERT; a NAME that is
//	                                        there becomes another KIND
//	redirect NAME URL                       a server that sends everybody on
//	[!] spied NAME reset | N | TEXT         what the spy has seen: method, path, headers
//	page FILE [NAME=VALUE…]                 runs every indented block of a page, such as
//	                                        docs/setup-vault.md, in one bash, and holds what
//	                                        follows a "$ COMMAND" there against what comes
//	                                        out ("…" is anything); NAME=VALUE is put in the
//	                                        place of what the page assigns; a block below
//	                                        <!-- not run: REASON --> is left out, one below
//	                                        <!-- file: NAME --> becomes that file
//	said FILE TEXT…                         each text is in the page and in the last stderr
//	person start [WIDTHxHEIGHT]             somebody at a terminal (tmux) with a shell
//	person clear                            waits for the prompt and clears the screen
//	person type TEXT…                       types it, and enter
//	person press KEY…                       as tmux calls them: Down, Space, C-c
//	person sees TEXT                        waits until it is on the screen
//	person screen FILE                      waits until the screen is as in the file,
//	                                        where VAULT, AWS, WORK, AROA, SESSION and TIME
//	                                        stand for what is different each time
//	person resize WIDTHxHEIGHT
//	person within DURATION                  fails if more has passed since the start
//	fault AREA WHAT EXPECT [within=10s] [times=N] [as=TEXT] COMMAND ARG…
//	                                        runs vaws in the midst of a fault, holds what
//	                                        comes of it against EXPECT (see below), and
//	                                        makes it a row of docs/reliability.md; "{}" in
//	                                        the arguments is the copy's number
//	tried AREA WHAT RESULT [within=10s]     a row for what the lines before have shown
//	judged FILE N [as=TEXT]                 every line of FILE, N in all, is credentials as
//	                                        strictly as fault takes it
//	faultpoints                             from here on vaws is a build that the variables
//	                                        of internal/faultpoint kill or freeze at a
//	                                        point of its way, or whose clock they shift
//	windows                                 a Windows (Wine) with vaws.exe, client.exe and
//	                                        arguments.exe on its PATH: "exec $WINE PROGRAM
//	                                        ARG…" runs a program there; its users' files
//	                                        are in $WORK/users
//	holds FILE…                             files that the script lets hold secrets
//	secret TEXT…                            more texts that must not be found anywhere
//
// Kinds of tokens: full, use, update, read, creds, static, nothing (TokenKinds).
//
// The OPTIONs of the ways to log in: path=PATH of the auth method (default: the
// subcommand, or userpass), mount=PATH of the AWS engine, and for the tokens
// ttl=20m, max=1h, period=15m, batch, no-default. Passwords have 12 characters or
// more, as the search below would find shorter ones by accident.
//
// What a fault is expected to end in is one of
//
//	credentials          an answer for credential_process, whose keys AWS takes now,
//	                     whose ARN has TEXT (default: of the role ec2-admin), and which
//	                     says of itself that it ends no later than it does
//	credentials:REGEXP   the same, with a warning that matches
//	error:REGEXP         nothing on stdout, not exit status 0, an error that matches,
//	                     and a hint
//	either:REGEXP        credentials or that error, for each of N copies
//
// and the row shows what the expression has matched. The areas are those of
// faultAreas.
//
// browser URL, also as xdg-open, signs in to the identity provider with Chromium.
// It goes by LAB_BROWSER_ACTION (sign-in, deny, look, or ignore), LAB_BROWSER_USER and
// LAB_BROWSER_PASSWORD, and writes the last page's address and text to the file
// LAB_BROWSER_LOG when it is done, 30 seconds later at the most.
//
// In the environment: VAULT_ADDR and VAULT_TOKEN (kind full, mount aws),
// AWS_ENDPOINT_URL (the stand-in; Debian's aws wants it as --endpoint-url),
// AS_ROOT (what a shell puts before a command for root: nothing, or sudo and its
// options), ACCOUNT and OTHER_ACCOUNT, HOME, XDG_*, DBUS_SESSION_BUS_ADDRESS. PATH holds
// vaws, the lab's client (a program on the AWS SDK for Go v2) and browser, and
// Debian's programs.
//
// At the end of every script, every file under $WORK, everything written to
// stderr and the command lines of vaws are searched for every secret that the
// stand-in issued, for passwords, secret IDs, JWTs and the secrets of the identity
// provider and of TOTP, and for Vault tokens. Finding one fails the script. Files
// named by "holds" are left out, and so are the PREFIX.I.out files of parallel.
func TestScripts(t *testing.T) {
	binaries := binariesFor(t)
	argv := watchArguments(t, filepath.Join(binaries.Dir, "vaws"))
	report := reportFaults(t)
	testscript.RunT(&scriptT{T: t}, testscript.Params{
		Dir:                 "testdata",
		Cmds:                scriptCommands(),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			return setUpScript(env, binaries, argv, report)
		},
	})
}

var (
	built     *Binaries
	errBuild  error
	buildOnce sync.Once
)

// binariesFor builds the programs when the first test wants them; TestMain
// removes them.
func binariesFor(t *testing.T) *Binaries {
	t.Helper()
	buildOnce.Do(func() { built, errBuild = Build(context.Background(), os.Stderr) })
	if errBuild != nil {
		t.Fatal(errBuild)
	}
	return built
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == parallelWord {
		os.Exit(parallelMain(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == cliTokenWord {
		os.Exit(cliTokenMain(os.Args[2:]))
	}
	ScrubEnvironment()
	code := m.Run()
	if built != nil {
		_ = built.Remove()
	}
	installed.remove()
	os.Exit(code)
}

// scriptT gives testscript a *testing.T whose log is searched and is shown only
// if the script failed.
type scriptT struct {
	*testing.T
	script *script
}

func (t *scriptT) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(&scriptT{T: t}) })
}

// Verbose keeps testscript from cutting its log, so that all of it can be
// searched.
func (t *scriptT) Verbose() bool { return true }

// Log is called with the whole log when a script is over.
func (t *scriptT) Log(args ...any) {
	t.Helper()
	text := fmt.Sprint(args...)
	if t.script != nil {
		for _, leak := range t.script.searchLog(text) {
			t.Errorf("leak: %s", leak)
		}
	}
	if t.Failed() || testing.Verbose() {
		t.T.Log(text)
	}
}
