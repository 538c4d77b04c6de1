package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vaws/internal/aws"
	"vaws/internal/credentials"
	"vaws/internal/endpoint"
	"vaws/internal/hint"
	"vaws/internal/profile"
	"vaws/internal/term"
)

// consoleCommand signs a browser in to the AWS console.
type consoleCommand struct {
	targetFlags `embed:""`
	Service     string  `placeholder:"NAME" help:"Service whose page to open, such as ec2 or s3."`
	Duration    seconds `placeholder:"8h" help:"How long the session lasts, from 15m to 12h; otherwise as long as the credentials. For assumed roles only."`
	Print       bool    `help:"Print the address to sign in at instead of opening a browser. It is a secret."`
	Name        string  `arg:"" help:"A profile, a role, or MOUNT/ROLE."`
}

// Help is shown below the summary.
func (consoleCommand) Help() string {
	return `It works for Vault roles of the types assumed_role and federation_token: AWS signs nobody else in. Over SSH the address is printed; it works for 15 minutes, for whoever has it.

    vaws console ec2-admin
    vaws console ec2-admin --service ec2 --region eu-west-1`
}

// consoleWait is how long AWS may take, and then how long the browser.
const consoleWait = 30 * time.Second

// Run gets credentials as exec does, and has AWS make a sign-in of them.
func (c consoleCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	f := c.targetFlags
	f.Settle = refuseUsers
	t, creds, err := s.fetch(c.Name, f, caller{demand: credentials.Demand{Rule: credentials.HandOut}, prompts: true})
	if err != nil {
		return err
	}
	defer s.quitQuietly()()
	done := s.wait(forAWS)
	address, arn, err := c.signIn(s, t, creds)
	done()
	if err != nil {
		return fmt.Errorf("signing in to the AWS console: %w", err)
	}
	if c.Print || s.isRemote() {
		return s.answer([]byte(address + "\n"))
	}
	return s.openConsole(address, arn)
}

// refuseUsers as the time to wait for a new IAM user says that its keys are of no use.
const refuseUsers = seconds(-1)

// check refuses what would make another address than a console's.
func (c consoleCommand) check() error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	switch d := time.Duration(c.Duration); {
	case d != 0 && (d < aws.MinSession || d > aws.MaxSession):
		return usageError{hint.Errorf("for example: --duration 8h", "--duration is not between 15m and 12h")}
	case strings.Trim(c.Service, letters+"/") != "" || strings.HasPrefix(c.Service, "/"):
		return usageError{hint.Errorf("take it from the console's addresses: https://console.aws.amazon.com/NAME/home", "--service %q is no service", c.Service)}
	case c.Region != nil && strings.Trim(*c.Region, letters) != "":
		return usageError{hint.Errorf("for example: --region eu-west-1", "--region %q is no region", *c.Region)}
	}
	return nil
}

// signIn finds out whose credentials they are, and signs in with them.
func (c consoleCommand) signIn(s *session, t profile.Target, creds credentials.Credentials) (address, arn string, err error) {
	if creds.SessionToken == "" {
		return "", "", refuseConsole("these are an IAM user's keys")
	}
	ctx, cancel := context.WithTimeout(context.Background(), consoleWait)
	defer cancel()
	if arn = creds.ARN; arn == "" {
		if arn, err = aws.Identity(ctx, aws.STS(s.regionOf(t), t.EndpointURL, s.getenv), creds, s.now()); err != nil {
			return "", "", hint.Wrap(fmt.Errorf("asking AWS whose credentials these are: %w", err), "in another partition than aws, name a region of it: --region us-gov-west-1")
		}
	}
	isRole := strings.Contains(arn, ":assumed-role/")
	switch {
	case !isRole && !strings.Contains(arn, ":federated-user/"):
		return "", "", refuseConsole("this is a session token")
	case !isRole && c.Duration != 0:
		return "", "", usageError{hint.Errorf(fmt.Sprintf("ask for credentials that live so long: --ttl %dm", time.Duration(c.Duration)/time.Minute),
			"--duration is for assumed roles: the session of a federation token lasts as long as its credentials")}
	}
	address, err = aws.Console{
		ARN: arn, Region: s.regionOf(t), Service: c.Service, Duration: time.Duration(c.Duration),
		URL: t.EndpointURL, Getenv: s.getenv,
	}.SignIn(ctx, creds)
	if refusal := (*aws.Refusal)(nil); errors.As(err, &refusal) && c.Duration != 0 {
		err = hint.Wrap(err, "leave out --duration: AWS takes none if Vault itself works with temporary credentials (role chaining)")
	}
	return address, arn, err
}

// errUser refuses an IAM user that has just been made. What is cached of it goes on
// being waited for by the next command.
func errUser(name string) error {
	err := fmt.Errorf("signing in to the AWS console: %w", refuseConsole("these are an IAM user's keys"))
	return hint.Wrap(err, "an IAM user was made to find that out; to delete it: vaws clear --revoke "+hint.Quote(name))
}

func refuseConsole(what string) error {
	return hint.Errorf("use a Vault role whose credential_type is assumed_role or federation_token",
		"AWS signs in assumed roles and federation tokens only, and %s", what)
}

// openConsole leads the browser to the address, which is a secret and so not on its
// command line.
func (s *session) openConsole(address, arn string) error {
	const advice = "to open the address yourself: --print"
	h, err := endpoint.HandOver(address)
	if err != nil {
		return err
	}
	defer h.Close()
	s.say("opening the AWS console in the browser, as " + arn)
	if err := term.Browse(h.URL()); err != nil {
		return hint.Wrap(err, advice)
	}
	ctx, cancel := context.WithTimeout(context.Background(), consoleWait)
	defer cancel()
	if h.Wait(ctx) != nil {
		return hint.Errorf(advice, "the browser has not come for the address in %s", consoleWait)
	}
	return nil
}
