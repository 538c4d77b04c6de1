package endpoint

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode"

	"vaws/internal/credentials"
)

// reply is a status and what becomes the JSON under it.
type reply struct {
	status int
	body   any
}

// answer is what SDKs read. botocore wants Token to be there even if it is empty,
// as it is for IAM users. SDKs ignore what they do not know, such as the RoleArn
// that ECS sends; AccountId is known to recent ones, which need it for
// account-based endpoints.
type answer struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      string
	AccountID       string `json:"AccountId,omitempty"`
}

// fault is an error in the shape that SDKs show
// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/credentials/endpointcreds).
type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func success(c credentials.Credentials) reply {
	return reply{http.StatusOK, answer{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, Token: c.SessionToken,
		Expiration: c.Lease.Expiration(), AccountID: c.AccountID(),
	}}
}

func refusal(status int, code, message string) reply {
	return reply{status, fault{code, oneLine(message)}}
}

// oneLine keeps a message that came from afar on one line of a terminal.
func oneLine(message string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
	return strings.Join(strings.Fields(printable), " ")
}

// handle answers a request. Headers and bodies are secret, also to debugging.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	found := s.find(r)
	body, err := json.Marshal(found.body)
	if err != nil {
		panic(err) // strings always encode
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if found.status == http.StatusMethodNotAllowed {
		header.Set("Allow", http.MethodGet)
	}
	w.WriteHeader(found.status)
	w.Write(body) // a client that is gone needs no answer
	s.debug("%s %q: %d", r.Method, r.URL.Path, found.status)
}

// find finds what to reply.
func (s *Server) find(r *http.Request) reply {
	if no, refused := s.guard.refuses(r); refused {
		return no
	}
	name, _ := strings.CutPrefix(r.URL.Path, "/")
	keeper, served := s.keepers[name]
	if !served {
		return refusal(http.StatusNotFound, "NotFound", "no credentials are served at this path")
	}
	c, err := keeper.Credentials(r.Context())
	if err != nil {
		return refusal(http.StatusServiceUnavailable, "CredentialsUnavailable", err.Error())
	}
	return success(c)
}
