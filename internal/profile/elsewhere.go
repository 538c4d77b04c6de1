package profile

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"vaws/internal/hint"
)

// elsewhere are the options that give a profile its credentials without vaws
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
var elsewhere = []string{
	"role_arn", "source_profile", "credential_source", "web_identity_token_file",
	"sso_session", "sso_start_url", "sso_account_id", "login_session", "aws_access_key_id",
}

// checkProfile refuses a profile that means something else to the SDKs than
// what vaws would make of it.
func checkProfile(q Query, s section, keys layer) error {
	call := parseCall(s.options["credential_process"])
	switch {
	case !call.isVaws:
		return checkElsewhere(q, s, keys)
	case !call.agrees(q, flagSettings):
		return otherCall(q, s, "say what the profile says: vaws exec "+quoted(call.words))
	}
	return nil
}

// checkElsewhere refuses a profile that does not want anything of vaws.
func checkElsewhere(q Query, s section, keys layer) error {
	if len(keys.values) > 0 {
		return nil
	}
	for _, option := range append(elsewhere, "credential_process") {
		if s.options[option] == "" {
			continue
		}
		return hint.Errorf(fmt.Sprintf("to get it from Vault, add to its section, at line %d: vaws_role = ROLE", s.header),
			"%s:%d: profile %q gets its credentials elsewhere: %s", s.path, s.lines[option], q.Name, option)
	}
	credentials := CredentialsPath(q.Getenv)
	if number, found := hasKeys(credentials, q.Name); found {
		return hint.Errorf(fmt.Sprintf("to get it from Vault, add a section [profile %s] with vaws_role = ROLE to the AWS config", q.Name),
			"%s:%d: %q has keys there", credentials, number, q.Name)
	}
	return nil
}

// call is a credential_process that calls vaws.
type call struct {
	isVaws bool
	name   string
	flags  map[string]string // those that choose the target
	words  []string          // all that follows "credential-process"
}

// agrees reports whether a profile's credential_process asks for the same as the
// query does, as far as these settings go: "vaws exec NAME" and "AWS_PROFILE=NAME
// aws" must never differ.
func (c call) agrees(q Query, settings []string) bool {
	for _, setting := range settings {
		if value, given := c.flags[setting]; given && q.Flags[setting] != value {
			return false
		}
	}
	return c.name == q.Name
}

// quoted is the words as a shell's command line.
func quoted(words []string) string {
	var all []string
	for _, word := range words {
		all = append(all, hint.Quote(word))
	}
	return strings.Join(all, " ")
}

func otherCall(q Query, s section, advice string) error {
	return hint.Errorf(advice,
		"%s:%d: profile %q stands for another call of vaws", s.path, s.lines["credential_process"], q.Name)
}

func parseCall(command string) call {
	words := splitWords(command)
	if len(words) == 0 || !isVaws(words[0]) {
		return call{}
	}
	c := call{isVaws: true, flags: map[string]string{}}
	if i := slices.Index(words, "credential-process"); i >= 0 {
		c.words = words[i+1:]
	}
	for rest := words[1:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		flag, value, joined := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		switch {
		case !strings.HasPrefix(word, "-"):
			if word != "credential-process" {
				c.name = word
			}
		case flag == "debug" || flag == "refresh":
		default:
			if !joined && len(rest) > 1 {
				value, rest = rest[1], rest[1:]
			}
			if slices.Contains(flagSettings, flag) {
				c.flags[flag] = value
			}
		}
	}
	return c
}

func isVaws(program string) bool {
	name := path.Base(strings.ReplaceAll(program, `\`, "/"))
	return strings.TrimSuffix(strings.ToLower(name), ".exe") == "vaws"
}

// QuoteProgram writes the path of vaws as a credential_process can name it, which some
// SDKs give to a shell and others split by themselves.
func QuoteProgram(path string) (string, error) {
	if !isVaws(path) {
		return "", hint.Errorf(onPath, "%q is not named vaws", path)
	}
	special := "\"$`\\!"
	if runtime.GOOS == "windows" {
		special = "\"%"
	}
	switch {
	case strings.ContainsAny(path, special) || strings.ContainsFunc(path, isControl) || strings.Contains(path, " #") || strings.Contains(path, " ;"):
		return "", hint.Errorf(onPath, "the path %q cannot be written into an AWS config", path)
	case consistsOf(path, `/\:.+@~-`, 1, 4096):
		return path, nil
	}
	return `"` + path + `"`, nil
}

const onPath = "put vaws into a directory of your PATH, such as /usr/local/bin"

// splitWords splits a command line at its spaces, except between quotes.
// Backslashes stand for themselves, as in the paths of Windows.
func splitWords(command string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	inWord := false
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
