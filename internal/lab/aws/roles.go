package aws

import (
	"fmt"
	"net/http"
)

// Roles exist as far as their owners can set them up. AssumeRole does not ask for
// them: any role of any account can be assumed.

type xmlRole struct {
	Path       string
	RoleName   string
	RoleID     string `xml:"RoleId"`
	ARN        string `xml:"Arn"`
	CreateDate string
}

func (s *Server) iamCreateRole(r *request) (any, *fault) {
	id := userID{r.key.who.account, r.form.Get("RoleName")}
	if s.roles[id] {
		return nil, &fault{"EntityAlreadyExists", http.StatusConflict, fmt.Sprintf("Role with name %s already exists.", id.name)}
	}
	s.roles[id] = true
	arn := fmt.Sprintf("arn:aws:iam::%s:role/%s", id.account, id.name)
	return struct{ Role xmlRole }{xmlRole{"/", id.name, uniqueID("AROA"), arn, s.now().UTC().Format(expirationStyle)}}, nil
}

func (s *Server) onRole(r *request) (any, *fault) {
	name := r.form.Get("RoleName")
	if !s.roles[userID{r.key.who.account, name}] {
		return nil, &fault{"NoSuchEntity", http.StatusNotFound, fmt.Sprintf("The role with name %s cannot be found.", name)}
	}
	return nil, nil
}
