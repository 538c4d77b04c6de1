package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
)

type options struct {
	listen   string
	storage  string
	logLevel string
	requests string

	tlsCert     string
	tlsKey      string
	tlsClientCA string

	raft raftOptions
}

func parseOptions(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("vaultd", flag.ContinueOnError)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	fs.StringVar(&o.storage, "storage", "", "`directory` of a storage that survives a restart (default: memory)")
	fs.StringVar(&o.logLevel, "log-level", "error", "trace, debug, info, warn, error or off")
	fs.StringVar(&o.requests, "request-log", "", "`file` to which a line for every request is added: method, path, user agent")
	fs.StringVar(&o.tlsCert, "tls-cert", "", "PEM `file` with the server's certificate")
	fs.StringVar(&o.tlsKey, "tls-key", "", "PEM `file` with the server's key")
	fs.StringVar(&o.tlsClientCA, "tls-client-ca", "", "PEM `file` with the authorities of client certificates")
	fs.StringVar(&o.raft.node, "raft", "", "`name` of this node of a cluster with integrated storage in -storage")
	fs.StringVar(&o.raft.cluster, "cluster", "", "`address` to listen on for the other nodes (default: a free port on loopback)")
	fs.StringVar(&o.raft.join, "join", "", "`URL` of a node whose cluster to join")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if (o.tlsCert == "") != (o.tlsKey == "") || o.tlsClientCA != "" && o.tlsCert == "" {
		return o, errors.New("-tls-cert and -tls-key belong together, and -tls-client-ca needs both")
	}
	if o.raft.node != "" && o.storage == "" {
		return o, errors.New("-raft needs -storage")
	}
	return o, nil
}

// listen opens the listener, and returns it with the URL that clients use.
func listen(o options) (net.Listener, string, error) {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, "", err
	}
	if o.tlsCert == "" {
		return l, "http://" + l.Addr().String(), nil
	}
	config, err := tlsConfig(o)
	if err != nil {
		_ = l.Close()
		return nil, "", err
	}
	return tls.NewListener(l, config), "https://" + l.Addr().String(), nil
}

func tlsConfig(o options) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, fmt.Errorf("loading the server's certificate: %w", err)
	}
	// Any client certificate is let through, as Vault's own listener does:
	// the cert auth method decides which of them may log in.
	config := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	if o.tlsClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.tlsClientCA)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %q", o.tlsClientCA)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config, nil
}
