package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/command/agentproxyshared/auth"
	approleauth "github.com/hashicorp/vault/command/agentproxyshared/auth/approle"
	"github.com/hashicorp/vault/command/agentproxyshared/cache"
	"github.com/hashicorp/vault/command/agentproxyshared/sink"
	"github.com/hashicorp/vault/command/agentproxyshared/sink/inmem"
	"github.com/hashicorp/vault/helper/useragent"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// The values of the agent's -auto-auth.
const (
	autoAuthNone  = "none"  // requests go on as they come
	autoAuthTrue  = "true"  // requests without a token get the agent's
	autoAuthForce = "force" // every request gets the agent's token
)

type agentOptions struct {
	vault         string
	caCert        string
	listen        string
	socket        string
	autoAuth      string
	roleID        string
	secretID      string
	userAgent     string
	requestHeader bool
	logLevel      string
}

// agentReady is the line that the agent prints when it has logged in and
// accepts requests.
type agentReady struct {
	// Address is the URL of the TCP listener.
	Address string `json:"address"`
	// Socket is the URL of the other listener, unix:///path, if there is one.
	Socket string `json:"socket,omitempty"`
}

// agent is a Vault Agent cut down to auto-auth by AppRole and the API proxy. The
// parts are Vault's own, put together as its command "vault agent" does.
type agent struct {
	options agentOptions
	logger  hclog.Logger
	client  *api.Client
	handler *auth.AuthHandler // nil without auto-auth
	tokens  sink.Sink
}

// runAgent runs "vaultd agent" until ctx ends.
func runAgent(ctx context.Context, args []string, stdout io.Writer) error {
	opts, err := parseAgentOptions(args)
	if err != nil {
		return err
	}
	a, err := newAgent(opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.handler != nil {
		if err := a.logIn(ctx); err != nil {
			return err
		}
	}
	return a.serve(ctx, stdout)
}

func parseAgentOptions(args []string) (agentOptions, error) {
	var o agentOptions
	fs := flag.NewFlagSet("vaultd agent", flag.ContinueOnError)
	fs.StringVar(&o.vault, "vault", "", "`URL` of the Vault")
	fs.StringVar(&o.caCert, "ca-cert", "", "PEM `file` with the authority of the Vault's certificate")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	fs.StringVar(&o.socket, "socket", "", "`file` to listen on as a unix socket")
	fs.StringVar(&o.autoAuth, "auto-auth", autoAuthNone, "none, true or force: which requests get the agent's own token")
	fs.StringVar(&o.roleID, "role-id", "", "`file` with the role ID of the AppRole")
	fs.StringVar(&o.secretID, "secret-id", "", "`file` with its secret ID, which is deleted once it is read")
	fs.StringVar(&o.userAgent, "user-agent", useragent.AgentAutoAuthString(), "user agent of the agent's own log-ins and renewals")
	fs.BoolVar(&o.requestHeader, "require-request-header", false, "refuse requests without the header "+consts.RequestHeaderName)
	fs.StringVar(&o.logLevel, "log-level", "error", "trace, debug, info, warn, error or off")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch o.autoAuth {
	case autoAuthNone, autoAuthTrue, autoAuthForce:
	default:
		return o, fmt.Errorf("-auto-auth %q is not none, true or force", o.autoAuth)
	}
	if fs.NArg() > 0 || o.vault == "" {
		return o, errors.New("want -vault and no further arguments")
	}
	return o, nil
}

func newAgent(o agentOptions) (*agent, error) {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.LevelFromString(o.logLevel), Output: os.Stderr})
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address = o.vault
	if err := config.ConfigureTLS(&api.TLSConfig{CACert: o.caCert}); err != nil {
		return nil, fmt.Errorf("loading -ca-cert: %w", err)
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	tokens, err := inmem.New(&sink.SinkConfig{Logger: logger}, nil)
	if err != nil {
		return nil, err
	}
	a := &agent{options: o, logger: logger, client: client, tokens: tokens}
	if o.autoAuth == autoAuthNone {
		return a, nil
	}
	// The handler sets retries and headers of its client.
	own, err := client.CloneWithHeaders()
	if err != nil {
		return nil, err
	}
	a.handler = auth.NewAuthHandler(&auth.AuthHandlerConfig{
		Logger: logger, Client: own, UserAgent: o.userAgent, MetricsSignifier: "agent",
		MinBackoff: minLogInWait, MaxBackoff: maxLogInWait,
	})
	return a, nil
}

// How long the agent waits after a log-in that failed: less than Vault's own
// agent, which starts with a second.
const (
	minLogInWait = 100 * time.Millisecond
	maxLogInWait = time.Second
)

// firstLogInPatience bounds the first log-in; later ones are tried for ever.
const firstLogInPatience = 20 * time.Second

// logIn starts what logs in and renews, and returns when there is a token.
func (a *agent) logIn(ctx context.Context) error {
	method, err := approleauth.NewApproleAuthMethod(&auth.AuthConfig{
		Logger: a.logger, MountPath: "auth/approle",
		Config: map[string]any{"role_id_file_path": a.options.roleID, "secret_id_file_path": a.options.secretID},
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- a.handler.Run(ctx, method) }()
	server := sink.NewSinkServer(&sink.SinkServerConfig{Logger: a.logger, Client: a.client})
	sinks := []*sink.SinkConfig{{Logger: a.logger, Sink: a.tokens}}
	go func() { ended <- server.Run(ctx, a.handler.OutputCh, sinks, a.handler.AuthInProgress) }()

	limit := time.After(firstLogInPatience)
	for a.tokens.(sink.SinkReader).Token() == "" {
		select {
		case err := <-ended:
			return fmt.Errorf("logging in: %w", errors.Join(err, ctx.Err()))
		case <-limit:
			return fmt.Errorf("no log-in within %s", firstLogInPatience)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// serve proxies requests until ctx ends.
func (a *agent) serve(ctx context.Context, stdout io.Writer) error {
	handler, err := a.proxy(ctx)
	if err != nil {
		return err
	}
	line, listeners, err := a.listen()
	if err != nil {
		return err
	}
	return answerOn(ctx, handler, a.logger, listeners, stdout, line)
}

func (a *agent) listen() (agentReady, []net.Listener, error) {
	tcp, err := cache.StartListener(&configutil.Listener{Type: "tcp", Address: a.options.listen, TLSDisable: true})
	if err != nil {
		return agentReady{}, nil, err
	}
	line := agentReady{Address: "http://" + tcp.Listener.Addr().String()}
	if a.options.socket == "" {
		return line, []net.Listener{tcp.Listener}, nil
	}
	unix, err := cache.StartListener(&configutil.Listener{Type: "unix", Address: a.options.socket, TLSDisable: true})
	if err != nil {
		return agentReady{}, nil, errors.Join(err, tcp.Listener.Close())
	}
	line.Socket = "unix://" + a.options.socket
	return line, []net.Listener{tcp.Listener, unix.Listener}, nil
}

func (a *agent) proxy(ctx context.Context) (http.Handler, error) {
	proxier, err := cache.NewAPIProxy(&cache.APIProxyConfig{
		Client:                  a.client,
		Logger:                  a.logger,
		UserAgentString:         useragent.AgentProxyString(),
		UserAgentStringFunction: useragent.AgentProxyStringWithProxiedUserAgent,
	})
	if err != nil {
		return nil, err
	}
	inProgress, invalid := &atomic.Bool{}, make(chan error, 1)
	if a.handler != nil {
		inProgress, invalid = a.handler.AuthInProgress, a.handler.InvalidToken
	}
	force := a.options.autoAuth == autoAuthForce
	use := force || a.options.autoAuth == autoAuthTrue
	handler := cache.ProxyHandler(ctx, a.logger, proxier, a.tokens, force, use, inProgress, invalid)
	if a.options.requestHeader {
		handler = requireRequestHeader(handler)
	}
	return handler, nil
}

// requireRequestHeader answers as a listener of Vault Agent does that has
// require_request_header.
func requireRequestHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(consts.RequestHeaderName) != "true" {
			logical.RespondError(w, http.StatusPreconditionFailed, fmt.Errorf("missing %q header", consts.RequestHeaderName))
			return
		}
		next.ServeHTTP(w, r)
	})
}
