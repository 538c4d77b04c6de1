package hint

import "fmt"

// Status is how a thing was found.
type Status string

const (
	Fine     Status = "ok"
	Doubtful Status = "warn"  // it works, but not as well as it could, or not for everybody
	Wrong    Status = "wrong" // something does not work
)

// Finding is what an examination says of one thing. Its text is an error's: lower
// case, without a full stop, without secrets.
type Finding struct {
	About  string // the thing: "profile dev", "keyring"
	Status Status
	Text   string
	Hints  []string // what to do; those that begin with "run: " are commands to paste
}

// IsFine tells of a thing that is as it should be.
//
//go:noinline
func IsFine(about, format string, args ...any) Finding {
	return Finding{About: about, Status: Fine, Text: fmt.Sprintf(format, args...)}
}

// IsDoubtful tells of a thing that might be better. The error's hints say how.
//
//go:noinline
func IsDoubtful(about string, err error) Finding {
	return Finding{about, Doubtful, err.Error(), Of(err)}
}

// IsWrong tells of a thing that is broken. The error's hints say how to mend it.
//
//go:noinline
func IsWrong(about string, err error) Finding {
	return Finding{about, Wrong, err.Error(), Of(err)}
}
