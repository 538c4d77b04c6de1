package cli

import "vaws/internal/credentials"

// credentialProcess answers an SDK. It is called again whenever the SDK wants
// fresh credentials, and nobody is there to be asked.
type credentialProcess struct {
	Name        string `arg:"" help:"A profile, a role, or MOUNT/ROLE."`
	targetFlags `embed:""`
}

// Run prints the credentials as the SDKs want them.
func (c credentialProcess) Run(s *session) error {
	_, creds, err := s.fetch(c.Name, c.targetFlags, caller{demand: credentials.Demand{Rule: credentials.Refreshable}})
	if err != nil {
		return err
	}
	return s.answer(creds.ProcessJSON())
}
