package credentials

// Role is a role of an AWS secrets engine.
type Role struct {
	Mount, Name string
	Static      bool // EndpointStaticCreds alone serves it
}

// String is the role as it is typed: MOUNT/ROLE, or MOUNT/static-creds/ROLE.
func (r Role) String() string {
	if r.Static {
		return r.Mount + "/" + EndpointStaticCreds + "/" + r.Name
	}
	return r.Mount + "/" + r.Name
}
