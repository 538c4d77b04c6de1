package vault

import (
	"net/http"
	"strings"
	"testing"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

// A token that may use everything and read nothing still sees what is listed.
func TestRolesThatAreNotListed(t *testing.T) {
	for _, c := range []struct {
		role, endpoint string
		want           hint.Status
	}{
		{"dynamic", "", hint.Fine},
		{"fixed", "", hint.Wrong},
		{"fixed", credentials.EndpointStaticCreds, hint.Fine},
		{"dynamic", credentials.EndpointStaticCreds, hint.Wrong},
		{"typo", credentials.EndpointStaticCreds, hint.Wrong},
	} {
		s, r := offering(t, func(w http.ResponseWriter, req *http.Request) {
			switch {
			case strings.HasSuffix(req.URL.Path, "capabilities-self"):
				use := `["read","update"]`
				write(200, `{"data":{"aws/sts/`+c.role+`":`+use+`,"aws/static-creds/`+c.role+`":`+use+`}}`)(w, req)
			case strings.HasSuffix(req.URL.Path, "/static-roles"):
				write(200, `{"data":{"keys":["fixed"]}}`)(w, req)
			default:
				write(200, `{"data":{"keys":["dynamic"]}}`)(w, req)
			}
		})
		r.Mount, r.Role, r.Endpoint = "aws", c.role, c.endpoint
		found := s.ExamineRoles(t.Context(), []credentials.Request{r})
		if len(found) != 1 || found[0].Status != c.want {
			t.Errorf("%s at %q: %+v", c.role, c.endpoint, found)
		}
	}
}
