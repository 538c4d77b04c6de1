package lab

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

// directoryPeople is the place of the users in the directory.
const directoryPeople = "ou=people,dc=lab"

// directory is an LDAP server: users bind with their passwords and may then read
// their own entries.
type directory struct {
	url    string
	server *gldap.Server

	mu    sync.Mutex
	users map[string]directoryUser // by DN
	bound map[int]string           // DN by connection
}

type directoryUser struct{ name, password string }

// startDirectory starts a directory without users.
func startDirectory(ctx context.Context) (*directory, error) {
	server, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, err
	}
	mux, err := gldap.NewMux()
	if err != nil {
		return nil, err
	}
	d := &directory{server: server, users: map[string]directoryUser{}, bound: map[int]string{}}
	if err := mux.Bind(d.bind); err != nil {
		return nil, err
	}
	if err := mux.Search(d.search); err != nil {
		return nil, err
	}
	if err := server.Router(mux); err != nil {
		return nil, err
	}
	return d, d.listen(ctx)
}

// listen returns when the server takes connections. gldap wants to know the port
// beforehand.
func (d *directory) listen(ctx context.Context) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	d.url = "ldap://" + address
	ended := make(chan error, 1)
	go func() { ended <- d.server.Run(address) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !d.server.Ready() {
		select {
		case err := <-ended:
			return fmt.Errorf("the LDAP server ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (d *directory) close() { _ = d.server.Stop() }

func (d *directory) add(name, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[strings.ToLower("cn="+name+","+directoryPeople)] = directoryUser{name, password}
}

func (d *directory) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	answer := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(answer) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	dn := strings.ToLower(m.UserName)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.bound, r.ConnectionID())
	if user, ok := d.users[dn]; ok && user.password == string(m.Password) {
		d.bound[r.ConnectionID()] = dn
		answer.SetResultCode(gldap.ResultSuccess)
	}
}

func (d *directory) search(w *gldap.ResponseWriter, r *gldap.Request) {
	answer := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultInsufficientAccessRights))
	defer func() { _ = w.Write(answer) }()
	m, err := r.GetSearchMessage()
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dn := d.bound[r.ConnectionID()]
	if dn == "" || dn != strings.ToLower(m.BaseDN) {
		return
	}
	_ = w.Write(r.NewSearchResponseEntry(m.BaseDN, gldap.WithAttributes(map[string][]string{
		"objectClass": {"person"}, "cn": {d.users[dn].name},
	})))
	answer.SetResultCode(gldap.ResultSuccess)
}
