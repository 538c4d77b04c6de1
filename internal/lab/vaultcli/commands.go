package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
)

func (c *call) enable(at, what string) error {
	kind := c.args[0]
	path := c.flag("path", kind)
	if _, err := c.client.Logical().Write(at+path, map[string]any{"type": kind}); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Success! Enabled the %s %s at: %s/\n", kind, what, path)
	return nil
}

func (c *call) tune() error {
	data := map[string]any{}
	for _, name := range []string{"default-lease-ttl", "max-lease-ttl"} {
		if c.given(name) {
			data[strings.ReplaceAll(name, "-", "_")] = c.flag(name, "")
		}
	}
	path := strings.Trim(c.args[0], "/")
	if _, err := c.client.Logical().Write("sys/mounts/"+path+"/tune", data); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Success! Tuned the secrets engine at: %s/\n", path)
	return nil
}

func (c *call) writePolicy() error {
	text, err := readAll(c.args[1], c.stdin)
	if err != nil {
		return err
	}
	if err := c.client.Sys().PutPolicy(c.args[0], text); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Success! Uploaded policy: %s\n", c.args[0])
	return nil
}

// readAll reads a file; "-" is stdin.
func readAll(path string, stdin io.Reader) (string, error) {
	if path == "-" {
		text, err := io.ReadAll(stdin)
		return string(text), err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func (c *call) createToken() error {
	request := &api.TokenCreateRequest{Policies: c.flags["policy"], TTL: c.flag("ttl", "")}
	create := c.client.Auth().Token().Create
	if c.given("orphan") {
		create = c.client.Auth().Token().CreateOrphan
	}
	secret, err := create(request)
	if err != nil {
		return err
	}
	secret.Data = map[string]any{
		"token": secret.Auth.ClientToken, "token_duration": duration(secret.Auth.LeaseDuration),
		"token_policies": secret.Auth.TokenPolicies,
	}
	secret.Auth = nil
	return c.print(secret)
}

func (c *call) revoke() error {
	id := strings.Trim(c.args[0], "/")
	revoke, done := c.client.Sys().Revoke, "All revocation operations queued successfully!"
	if c.given("prefix") {
		revoke = c.client.Sys().RevokePrefix
	}
	if err := revoke(id); err != nil {
		return err
	}
	fmt.Fprintln(c.out, done)
	return nil
}

func (c *call) write() error {
	path := strings.Trim(c.args[0], "/")
	if len(c.args) == 1 && !c.given("f") && !c.given("force") {
		return usageError("must supply data or use -force")
	}
	data, err := c.data(c.args[1:])
	if err != nil {
		return err
	}
	aimAtLab(path, data)
	secret, err := c.client.Logical().Write(path, data)
	if err != nil {
		return fmt.Errorf("writing data to %s: %w", path, err)
	}
	if secret == nil {
		fmt.Fprintf(c.out, "Success! Data written to: %s\n", path)
		return nil
	}
	return c.print(secret)
}

// aimAtLab completes the engine's root configuration by where the lab's AWS is.
func aimAtLab(path string, data map[string]any) {
	endpoint := os.Getenv("LAB_AWS_ENDPOINT")
	if endpoint == "" || !strings.HasSuffix(path, "/config/root") || data["sts_endpoint"] != nil {
		return
	}
	data["iam_endpoint"], data["sts_endpoint"] = endpoint, endpoint
	data["sts_region"] = data["region"]
}

func (c *call) read() error {
	path := strings.Trim(c.args[0], "/")
	secret, err := c.client.Logical().Read(path)
	return c.found(path, secret, err)
}

func (c *call) list() error {
	path := strings.Trim(c.args[0], "/")
	secret, err := c.client.Logical().List(path)
	if err == nil && secret != nil {
		keys, _ := secret.Data["keys"].([]any)
		fmt.Fprintln(c.out, "Keys\n----")
		for _, key := range keys {
			fmt.Fprintln(c.out, key)
		}
		return nil
	}
	return c.found(path, secret, err)
}

func (c *call) found(path string, secret *api.Secret, err error) error {
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if secret == nil {
		return fmt.Errorf("no value found at %s", path)
	}
	return c.print(secret)
}

func (c *call) remove() error {
	path := strings.Trim(c.args[0], "/")
	if _, err := c.client.Logical().Delete(path); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Success! Data deleted (if it existed) at: %s\n", path)
	return nil
}

func (c *call) status() error {
	status, err := c.client.Sys().SealStatus()
	if err != nil {
		return err
	}
	return c.print(&api.Secret{Data: map[string]any{
		"initialized": status.Initialized, "sealed": status.Sealed, "version": status.Version,
	}})
}
