package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

const (
	// manyRoles are read one by one at the most.
	manyRoles = 100
	// atOnce is how many requests Vault gets at a time.
	atOnce = 8
)

// ExamineRoles finds out, without having credentials made, whether the token may use
// the requests' roles, and what is known to hurt. LookUp has found the token.
func (s *Source) ExamineRoles(ctx context.Context, requests []credentials.Request) []hint.Finding {
	if len(requests) == 0 {
		return nil
	}
	var paths []string
	for i := range requests {
		paths = append(paths, pathsOf(&requests[i])...)
	}
	may, err := s.Capabilities(ctx, requests[0], paths)
	if err != nil {
		return []hint.Finding{hint.IsDoubtful("policies", hint.Wrap(err, `a policy that would do: path "sys/capabilities-self" { capabilities = ["update"] }`))}
	}
	findings := make([]hint.Finding, len(requests))
	var wait sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range requests {
		slots <- struct{}{}
		wait.Go(func() {
			findings[i] = s.examineRole(ctx, &requests[i], may, i < manyRoles)
			s.cleanFinding(&findings[i])
			<-slots
		})
	}
	wait.Wait()
	return findings
}

// pathsOf are those of a request whose capabilities matter.
func pathsOf(r *credentials.Request) []string {
	paths := []string{definition(r)}
	for _, a := range attempts(*r, "") {
		paths = append(paths, r.Mount+"/"+a.endpoint+"/"+r.Role)
	}
	return slices.Compact(paths)
}

// definition is the path at which a role is defined.
func definition(r *credentials.Request) string {
	if r.Endpoint == credentials.EndpointStaticCreds {
		return r.Mount + "/static-roles/" + r.Role
	}
	return r.Mount + "/roles/" + r.Role
}

// granted is what a token may do, by path.
type granted map[string][]string

func (g granted) may(path, capability string) bool {
	return slices.Contains(g[path], capability) || slices.Contains(g[path], "root")
}

// uses reports whether one of the ways to ask is open.
func (g granted) uses(r *credentials.Request) bool {
	return slices.ContainsFunc(attempts(*r, ""), func(a attempt) bool {
		capability := "update"
		if a.method == "GET" {
			capability = "read"
		}
		return g.may(r.Mount+"/"+a.endpoint+"/"+r.Role, capability)
	})
}

// texts are the texts of a list; a text is a list of one.
func texts(value any) []string {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	list, _ := value.([]any)
	var all []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

func (s *Source) examineRole(ctx context.Context, r *credentials.Request, may granted, closely bool) hint.Finding {
	about := "role " + r.Path()
	if !may.uses(r) {
		err := hint.Wrap(errors.New("the token's policies do not allow it"), policyFor(*r))
		return hint.IsWrong(about, hint.Wrap(err, s.otherMounts(ctx, r)...))
	}
	switch {
	case !closely:
		return hint.IsFine(about, "may be used")
	case !may.may(definition(r), "read"):
		if names := s.list(ctx, path.Dir(definition(r))); len(names) > 0 && !slices.Contains(names, r.Role) {
			return hint.IsWrong(about, s.unknownRole(ctx, *r))
		}
		return hint.IsFine(about, "may be used; the token may not read how long its credentials live")
	}
	role, err := s.client.Logical().ReadWithContext(ctx, definition(r))
	switch {
	case err != nil && strings.Contains(err.Error(), "no handler for route"):
		return hint.IsWrong(about, hint.Wrap(fmt.Errorf("no AWS secrets engine is mounted at %q", r.Mount), s.otherMounts(ctx, r)...))
	case err != nil:
		return hint.IsDoubtful(about, fmt.Errorf("reading how it is defined: %w", s.cleaned(s.explainAny(err))))
	case role == nil:
		return hint.IsWrong(about, s.unknownRole(ctx, *r))
	}
	return judge(about, r, role.Data)
}

// otherMounts are hints at the AWS engines that the token sees.
func (s *Source) otherMounts(ctx context.Context, r *credentials.Request) []string {
	names, err := s.Mounts(ctx, *r)
	if err != nil || len(names) == 0 || slices.Contains(names, r.Mount) {
		return nil
	}
	return []string{"the AWS engines of this Vault: " + strings.Join(names, ", ") + " (choose with --mount or vaws_mount)"}
}

const (
	// The least that AWS gives: DurationSeconds of
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	leastLife = 15 * time.Minute
	// Credentials of a shorter life are replaced when less than 15 minutes of it are
	// left, and until then botocore asks for them on every request
	// (_advisory_refresh_timeout in botocore/credentials.py).
	calmLife = 30 * time.Minute
)

// judge looks for what hurts in a role's definition, as far as it is about this
// request.
func judge(about string, r *credentials.Request, role fields) hint.Finding {
	kind := strings.Join(append(texts(role["credential_type"]), texts(role["credential_types"])...), ", ")
	if r.Endpoint == credentials.EndpointStaticCreds || kind == string(credentials.IAMUser) {
		return hint.IsFine(about, "may be used (%s)", cmp.Or(kind, "static role"))
	}
	if err := judgeARN(r, texts(role["role_arns"])); err != nil {
		return hint.IsWrong(about, err)
	}
	if role.text("mfa_serial_number") != "" {
		return hint.IsDoubtful(about, hint.Errorf("run: vaws exec "+r.Mount+"/"+r.Role+" -- true (SDKs then find what is cached)",
			"it wants the code of an MFA device, which no SDK can be asked for"))
	}
	byDefault, most := role.seconds("default_sts_ttl"), role.seconds("max_sts_ttl")
	life := cmp.Or(r.TTL, byDefault)
	write := func(ttl string) string { return fmt.Sprintf("run: vault write %s %s=1h", definition(r), ttl) }
	switch {
	case most > 0 && most < leastLife:
		return hint.IsWrong(about, hint.Errorf(write("max_sts_ttl"), "its max_sts_ttl is %s, and AWS gives %s at least", credentials.Roughly(most), credentials.Roughly(leastLife)))
	case life > 0 && life < leastLife:
		return hint.IsWrong(about, hint.Errorf(write("default_sts_ttl"), "its default_sts_ttl is %s, and AWS gives %s at least", credentials.Roughly(life), credentials.Roughly(leastLife)))
	case most > 0 && r.TTL > most:
		return hint.IsDoubtful(about, hint.Errorf(write("max_sts_ttl"), "%s are asked for, and Vault gives %s without a word (max_sts_ttl)", credentials.Roughly(r.TTL), credentials.Roughly(most)))
	case life > 0 && life < calmLife:
		advice := write("default_sts_ttl")
		if r.TTL > 0 {
			advice = "ask for more: vaws_ttl = 1h"
		}
		return hint.IsDoubtful(about, hint.Errorf(advice, "its credentials live %s; of less than %s, the AWS CLI and boto3 call vaws on every request for a part", credentials.Roughly(life), credentials.Roughly(calmLife)))
	case life == 0:
		return hint.IsFine(about, "may be used (%s)", kind)
	}
	return hint.IsFine(about, "may be used (%s), credentials live %s", kind, credentials.Roughly(life))
}

// judgeARN wants one AWS role to be chosen where there are several.
func judgeARN(r *credentials.Request, arns []string) error {
	switch {
	case r.RoleARN != "" && len(arns) > 0 && !slices.Contains(arns, r.RoleARN):
		return hint.Errorf("choose one of "+strings.Join(arns, ", "), "%s is none of the role's role_arns", r.RoleARN)
	case r.RoleARN == "" && len(arns) > 1:
		return hint.Errorf("choose one: vaws_role_arn = "+arns[0], "it has %d role_arns, and none is chosen", len(arns))
	}
	return nil
}

// seconds is a field's value if it is a number of seconds, else zero.
func (f fields) seconds(name string) time.Duration {
	number, _ := f[name].(json.Number)
	seconds, _ := number.Int64()
	return time.Duration(seconds) * time.Second
}
