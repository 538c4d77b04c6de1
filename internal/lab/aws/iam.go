package aws

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

var iamOperations = map[string]operation{
	"CreateUser":                (*Server).iamCreateUser,
	"GetUser":                   (*Server).iamGetUser,
	"DeleteUser":                (*Server).iamDeleteUser,
	"TagUser":                   onUser(func(*Server, *user, *request) (any, *fault) { return nil, nil }),
	"CreateAccessKey":           onUser((*Server).iamCreateAccessKey),
	"ListAccessKeys":            onUser((*Server).iamListAccessKeys),
	"UpdateAccessKey":           onUser((*Server).iamUpdateAccessKey),
	"DeleteAccessKey":           onUser((*Server).iamDeleteAccessKey),
	"AttachUserPolicy":          addTo(attachedPolicies, "PolicyArn"),
	"DetachUserPolicy":          removeFrom(attachedPolicies, "PolicyArn"),
	"PutUserPolicy":             addTo(inlinePolicies, "PolicyName"),
	"DeleteUserPolicy":          removeFrom(inlinePolicies, "PolicyName"),
	"AddUserToGroup":            addTo(groups, "GroupName"),
	"RemoveUserFromGroup":       removeFrom(groups, "GroupName"),
	"ListAttachedUserPolicies":  onUser(listAttachedPolicies),
	"ListUserPolicies":          onUser(listInlinePolicies),
	"ListGroupsForUser":         onUser(listGroups),
	"ListGroupPolicies":         emptyList,
	"ListAttachedGroupPolicies": emptyList,
	"CreateRole":                (*Server).iamCreateRole,
	"AttachRolePolicy":          (*Server).onRole,
	"PutRolePolicy":             (*Server).onRole,
}

// maxAccessKeys is the quota AccessKeysPerUser, which Vault's rotation of static
// roles counts on.
const maxAccessKeys = 2

// user is an IAM user.
type user struct {
	id       userID
	uniqueID string
	path     string
	created  time.Time
	keys     []*accessKey
	// names holds the user's policies and groups.
	names map[nameList][]string
}

// nameList is one of the lists of names that a user has.
type nameList int

const (
	attachedPolicies nameList = iota // ARNs
	inlinePolicies
	groups
)

func (u *user) arn() string {
	return fmt.Sprintf("arn:aws:iam::%s:user%s%s", u.id.account, u.path, u.id.name)
}

func (u *user) principal() principal {
	return principal{account: u.id.account, arn: u.arn(), userID: u.uniqueID, user: u.id.name}
}

type xmlUser struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate string
}

func (u *user) toXML() any {
	return struct{ User xmlUser }{xmlUser{u.path, u.id.name, u.uniqueID, u.arn(), u.created.UTC().Format(expirationStyle)}}
}

func noSuchUser(name string) *fault {
	return &fault{"NoSuchEntity", http.StatusNotFound, fmt.Sprintf("The user with name %s cannot be found.", name)}
}

// onUser is an operation on the user that UserName names, or on the caller.
func onUser(op func(*Server, *user, *request) (any, *fault)) operation {
	return func(s *Server, r *request) (any, *fault) {
		name := r.form.Get("UserName")
		if name == "" {
			name = r.key.who.user
		}
		u := s.users[userID{r.key.who.account, name}]
		if u == nil {
			return nil, noSuchUser(name)
		}
		return op(s, u, r)
	}
}

func (s *Server) createUser(account, name, path string) (*user, *fault) {
	id := userID{account, name}
	if s.users[id] != nil {
		return nil, &fault{"EntityAlreadyExists", http.StatusConflict, fmt.Sprintf("User with name %s already exists.", name)}
	}
	u := &user{id: id, uniqueID: uniqueID("AIDA"), path: path, created: s.now(), names: map[nameList][]string{}}
	s.users[id] = u
	return u, nil
}

func (s *Server) iamCreateUser(r *request) (any, *fault) {
	name, path := r.form.Get("UserName"), r.form.Get("Path")
	if len(name) < 1 || len(name) > 64 {
		return nil, faultValidation(name, "userName", "Member must have length less than or equal to 64")
	}
	if path == "" {
		path = "/"
	}
	u, f := s.createUser(r.key.who.account, name, path)
	if f != nil {
		return nil, f
	}
	return u.toXML(), nil
}

func (s *Server) iamGetUser(r *request) (any, *fault) {
	return onUser(func(_ *Server, u *user, _ *request) (any, *fault) { return u.toXML(), nil })(s, r)
}

func (s *Server) iamDeleteUser(r *request) (any, *fault) {
	return onUser(func(s *Server, u *user, _ *request) (any, *fault) {
		if what := u.belongings(); what != "" {
			return nil, &fault{"DeleteConflict", http.StatusConflict, "Cannot delete entity, " + what + " first."}
		}
		delete(s.users, u.id)
		return nil, nil
	})(s, r)
}

// belongings says what keeps a user from being deleted.
func (u *user) belongings() string {
	switch {
	case len(u.keys) > 0:
		return "must delete access keys"
	case len(u.names[attachedPolicies]) > 0:
		return "must detach all policies"
	case len(u.names[inlinePolicies]) > 0:
		return "must delete policies"
	case len(u.names[groups]) > 0:
		return "must remove users from group"
	default:
		return ""
	}
}

type xmlAccessKey struct {
	UserName        string
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string `xml:",omitempty"`
	CreateDate      string
}

func (k *accessKey) metadata() xmlAccessKey {
	status := "Active"
	if k.inactive {
		status = "Inactive"
	}
	return xmlAccessKey{UserName: k.who.user, AccessKeyID: k.id, Status: status, CreateDate: k.created.UTC().Format(expirationStyle)}
}

func (s *Server) iamCreateAccessKey(u *user, r *request) (any, *fault) {
	if len(u.keys) >= maxAccessKeys {
		return nil, &fault{"LimitExceeded", http.StatusConflict, fmt.Sprintf("Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)}
	}
	key := s.createKey(u)
	key.refusals = s.keyRefusals
	key.usableFrom = r.now.Add(s.keyDelay)
	answer := key.metadata()
	answer.SecretAccessKey = key.secret
	return struct{ AccessKey xmlAccessKey }{answer}, nil
}

func (s *Server) iamListAccessKeys(u *user, _ *request) (any, *fault) {
	var list struct {
		AccessKeyMetadata []xmlAccessKey `xml:"AccessKeyMetadata>member"`
		IsTruncated       bool
	}
	for _, key := range u.keys {
		list.AccessKeyMetadata = append(list.AccessKeyMetadata, key.metadata())
	}
	return list, nil
}

func (u *user) key(id string) (int, *fault) {
	i := slices.IndexFunc(u.keys, func(k *accessKey) bool { return k.id == id })
	if i < 0 {
		return 0, &fault{"NoSuchEntity", http.StatusNotFound, fmt.Sprintf("The Access Key with id %s cannot be found.", id)}
	}
	return i, nil
}

func (s *Server) iamUpdateAccessKey(u *user, r *request) (any, *fault) {
	i, f := u.key(r.form.Get("AccessKeyId"))
	if f != nil {
		return nil, f
	}
	u.keys[i].inactive = r.form.Get("Status") == "Inactive"
	return nil, nil
}

func (s *Server) iamDeleteAccessKey(u *user, r *request) (any, *fault) {
	i, f := u.key(r.form.Get("AccessKeyId"))
	if f != nil {
		return nil, f
	}
	delete(s.keys, u.keys[i].id)
	u.keys = slices.Delete(u.keys, i, i+1)
	return nil, nil
}

func addTo(list nameList, parameter string) operation {
	return onUser(func(_ *Server, u *user, r *request) (any, *fault) {
		name := r.form.Get(parameter)
		if !slices.Contains(u.names[list], name) {
			u.names[list] = append(u.names[list], name)
		}
		return nil, nil
	})
}

func removeFrom(list nameList, parameter string) operation {
	return onUser(func(_ *Server, u *user, r *request) (any, *fault) {
		name := r.form.Get(parameter)
		i := slices.Index(u.names[list], name)
		if i < 0 {
			return nil, &fault{"NoSuchEntity", http.StatusNotFound, fmt.Sprintf("%s was not found.", name)}
		}
		u.names[list] = slices.Delete(u.names[list], i, i+1)
		return nil, nil
	})
}

type xmlPolicy struct {
	PolicyARN string `xml:"PolicyArn"`
}

type xmlGroup struct {
	GroupName string
	ARN       string `xml:"Arn"`
}

func listAttachedPolicies(_ *Server, u *user, _ *request) (any, *fault) {
	var list struct {
		AttachedPolicies []xmlPolicy `xml:"AttachedPolicies>member"`
		IsTruncated      bool
	}
	for _, arn := range u.names[attachedPolicies] {
		list.AttachedPolicies = append(list.AttachedPolicies, xmlPolicy{arn})
	}
	return list, nil
}

func listInlinePolicies(_ *Server, u *user, _ *request) (any, *fault) {
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		IsTruncated bool
	}{PolicyNames: u.names[inlinePolicies]}, nil
}

func listGroups(_ *Server, u *user, _ *request) (any, *fault) {
	var list struct {
		Groups      []xmlGroup `xml:"Groups>member"`
		IsTruncated bool
	}
	for _, name := range u.names[groups] {
		list.Groups = append(list.Groups, xmlGroup{name, fmt.Sprintf("arn:aws:iam::%s:group/%s", u.id.account, name)})
	}
	return list, nil
}

func emptyList(*Server, *request) (any, *fault) {
	return struct{ IsTruncated bool }{}, nil
}
