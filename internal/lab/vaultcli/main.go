// Command vault is as much of HashiCorp's command line of that name as the pages in
// docs use: it asks the real server, at VAULT_ADDR with VAULT_TOKEN, and takes the
// arguments and prints the answers in the same forms, errors aside. HashiCorp's own
// would link all of Vault's 1,500 packages once more.
//
//	vault secrets enable [-path=PATH] TYPE
//	vault secrets tune [-default-lease-ttl=D] [-max-lease-ttl=D] PATH
//	vault auth enable [-path=PATH] TYPE
//	vault write [-f] [-field=NAME] PATH [KEY=VALUE | KEY=@FILE | KEY=- | @FILE | -]…
//	vault read [-field=NAME] PATH
//	vault list PATH
//	vault delete PATH
//	vault policy write NAME FILE|-
//	vault token create [-policy=NAME]… [-ttl=D] [-field=token] [-orphan]
//	vault lease revoke [-prefix] ID|PREFIX
//	vault status
//
// What it does beyond that: where LAB_AWS_ENDPOINT is set, a write to MOUNT/config/root
// that names no endpoints points the engine there, at the lab's stand-in for AWS.
//
// The exit status is 1 for a command line that it does not know, and 2 for an error
// of the server, as with HashiCorp's.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.As(err, new(usageError)) {
			os.Exit(1)
		}
		os.Exit(2)
	}
}

// usageError is a command line that the program does not know.
type usageError string

func (e usageError) Error() string { return string(e) }

// call is one call of the program.
type call struct {
	client *api.Client
	flags  map[string][]string
	args   []string
	stdin  io.Reader
	out    io.Writer
}

// command is a command with the flags that it has; those that end in "=" take a
// value.
type command struct {
	flags []string
	least int // arguments
	run   func(*call) error
}

var commands = map[string]command{
	"secrets enable": {[]string{"path="}, 1, func(c *call) error { return c.enable("sys/mounts/", "secrets engine") }},
	"secrets tune":   {[]string{"default-lease-ttl=", "max-lease-ttl="}, 1, (*call).tune},
	"auth enable":    {[]string{"path="}, 1, func(c *call) error { return c.enable("sys/auth/", "auth method") }},
	"policy write":   {nil, 2, (*call).writePolicy},
	"token create":   {[]string{"policy=", "ttl=", "field=", "orphan"}, 0, (*call).createToken},
	"lease revoke":   {[]string{"prefix"}, 1, (*call).revoke},
	"write":          {[]string{"f", "force", "field="}, 1, (*call).write},
	"read":           {[]string{"field="}, 1, (*call).read},
	"list":           {nil, 1, (*call).list},
	"delete":         {nil, 1, (*call).remove},
	"status":         {nil, 0, (*call).status},
}

func run(args []string, stdin io.Reader, out io.Writer) error {
	known, args, err := find(args)
	if err != nil {
		return err
	}
	c := &call{stdin: stdin, out: out}
	if err := c.parse(known, args); err != nil {
		return err
	}
	if c.client, err = api.NewClient(nil); err != nil {
		return err
	}
	return known.run(c)
}

// find takes the command's name, of one word or two, off the arguments.
func find(args []string) (command, []string, error) {
	for _, words := range []int{2, 1} {
		if len(args) < words {
			continue
		}
		if known, ok := commands[strings.Join(args[:words], " ")]; ok {
			return known, args[words:], nil
		}
	}
	return command{}, nil, usageError(fmt.Sprintf("the lab's vault has no command %q", strings.Join(args, " ")))
}

// parse takes the flags, which stand before the arguments.
func (c *call) parse(known command, args []string) error {
	c.flags = map[string][]string{}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		name, value, valued := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
		if !known.has(name, valued) {
			return usageError(fmt.Sprintf("the lab's vault has no flag %s there", args[0]))
		}
		c.flags[name] = append(c.flags[name], value)
		args = args[1:]
	}
	if len(args) < known.least {
		return usageError("too few arguments")
	}
	c.args = args
	return nil
}

func (k command) has(name string, valued bool) bool {
	if valued {
		name += "="
	}
	for _, flag := range k.flags {
		if flag == name {
			return true
		}
	}
	return false
}

// flag is the last value of a flag that was given, else the fallback.
func (c *call) flag(name, fallback string) string {
	if values := c.flags[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return fallback
}

func (c *call) given(name string) bool { return c.flags[name] != nil }
