package cli

import (
	"vaws/internal/credentials"
	"vaws/internal/profile"
)

// regionMark is the variable that says which region vaws has put into an
// environment. Such a region gives way to that of the next profile, and goes with
// the credentials; one that the user has set stays.
const regionMark = "VAWS_SET_REGION"

var regionNames = []string{"AWS_REGION", "AWS_DEFAULT_REGION"}

// ownRegion is the names of the region variables that vaws has set.
func (s *session) ownRegion() []string {
	var own []string
	for _, name := range regionNames {
		if value := s.getenv(name); value != "" && value == s.getenv(regionMark) {
			own = append(own, name)
		}
	}
	return append(own, regionMark)
}

// usersRegion is the first region variable that the user has set, and its value;
// both are empty if there is none.
func (s *session) usersRegion() (name, value string) {
	for _, name := range regionNames {
		if value := s.getenv(name); value != "" && value != s.getenv(regionMark) {
			return name, value
		}
	}
	return "", ""
}

// regionVariables hand on the region that was chosen, unless the user's
// environment has one and the choice was not made for this call.
func (s *session) regionVariables(region profile.AWSRegion) []credentials.Variable {
	if region.Name == "" {
		return nil
	}
	if name, value := s.usersRegion(); name != "" && !region.Insist {
		s.debug("%s is %q, so the profile's region %q is not set", name, value, region.Name)
		return nil
	}
	vars := []credentials.Variable{{Name: regionMark, Value: region.Name}}
	for _, name := range regionNames {
		vars = append(vars, credentials.Variable{Name: name, Value: region.Name})
	}
	return vars
}

// regionOf is the region that a program with the target's credentials works in.
func (s *session) regionOf(t profile.Target) string {
	if _, value := s.usersRegion(); value != "" && !t.Region.Insist {
		return value
	}
	return t.Region.Name
}

// nameVariable holds NAME as it was given, for prompts and scripts to show; vaws does
// not read it.
const nameVariable = "VAWS_PROFILE"

// environment is what a program or a shell gets: variables to set, those that lead
// it to its credentials, NAME and the region's, and the names of those that must not
// be there otherwise.
func (s *session) environment(t profile.Target, leading []credentials.Variable) (set []credentials.Variable, unset []string) {
	set = append(leading, credentials.Variable{Name: nameVariable, Value: t.Name})
	set = append(set, s.regionVariables(t.Region)...)
	return set, append(credentials.Cleared(), s.ownRegion()...)
}
