// Command vaultd is a real HashiCorp Vault server cut down to what the lab
// needs: the core, the aws and kv secrets engines and the common auth methods,
// with a Shamir seal of one share. It is built instead of the vault binary
// because it compiles in half the time and to less than half the size. With -raft it is
// a node of a cluster with integrated storage.
//
// "vaultd agent" is a Vault Agent instead, cut down as well: auto-auth by AppRole
// and the API proxy.
//
// Both print one JSON line on standard output once they serve requests (see ready
// and agentReady), log to standard error, and end when standard input is closed
// or on SIGTERM, so that they never outlive the process that started them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
)

// ready is the line that vaultd prints when it accepts requests.
type ready struct {
	// Address is the URL of the listener, for example http://127.0.0.1:41234.
	Address string `json:"address"`
	// Cluster is where a node of a cluster listens for the others, HOST:PORT.
	Cluster string `json:"cluster,omitempty"`
	// RootToken and UnsealKey (base64) are given by the run that initializes
	// the storage, and by no later one.
	RootToken string `json:"root_token,omitempty"`
	UnsealKey string `json:"unseal_key,omitempty"`
	// Sealed is true after a restart on initialized storage: whoever holds
	// the key unseals with sys/unseal.
	Sealed bool `json:"sealed"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vaultd: error:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	var err error
	if len(args) > 0 && args[0] == "agent" {
		err = runAgent(ctx, args[1:], stdout)
	} else {
		err = runServer(ctx, args, stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func runServer(ctx context.Context, args []string, stdout io.Writer) error {
	opts, err := parseOptions(args)
	if err != nil {
		return err
	}
	if opts.raft.node != "" && opts.raft.cluster == "" {
		if opts.raft.cluster, err = freePort(); err != nil {
			return err
		}
	}
	return serve(ctx, opts, stdout)
}

// serve runs one Vault until ctx ends.
func serve(ctx context.Context, opts options, stdout io.Writer) error {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.LevelFromString(opts.logLevel), Output: os.Stderr})
	listener, address, err := listen(opts)
	if err != nil {
		return err
	}
	core, err := newCore(opts, address, logger)
	if err != nil {
		return fmt.Errorf("creating the core: %w", err)
	}
	defer func() { _ = core.Shutdown() }()

	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: opts.listen},
	})
	if err := hearCluster(core, opts.raft, handler); err != nil {
		return err
	}
	line, err := initialize(ctx, core, opts.raft)
	if err != nil {
		return err
	}
	line.Address, line.Cluster = address, opts.raft.cluster

	if handler, err = logRequests(handler, opts.requests); err != nil {
		return err
	}
	return answerOn(ctx, handler, logger, []net.Listener{listener}, stdout, line)
}

// answerOn serves on the listeners until ctx ends. The line that says so, as JSON, goes to
// stdout.
func answerOn(ctx context.Context, handler http.Handler, logger hclog.Logger, listeners []net.Listener, stdout io.Writer, line any) error {
	server := &http.Server{Handler: handler, ErrorLog: logger.StandardLogger(&hclog.StandardLoggerOptions{})}
	served := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { served <- server.Serve(l) }()
	}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// logRequests adds a line to file for every request before it is answered.
func logRequests(next http.Handler, file string) (http.Handler, error) {
	if file == "" {
		return next, nil
	}
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(log, "%s %s %s\n", r.Method, r.URL.EscapedPath(), r.UserAgent())
		next.ServeHTTP(w, r)
	}), nil
}
