package profile

import (
	"fmt"
	"slices"
	"strings"

	"vaws/internal/hint"
)

// layer is one place where settings come from.
type layer struct {
	values map[string]string
	origin func(setting string) string // how an error names the place
	typed  bool                        // on the command line
	here   bool                        // a path may be relative: whoever gave it is in this directory
}

// UsageError is an error in what was typed, not in what was found.
type UsageError struct{ error }

// Unwrap returns the error.
func (u UsageError) Unwrap() error { return u.error }

// blame names the place of a setting before an error.
func (l layer) blame(setting string, err error) error {
	err = fmt.Errorf("%s: %w", l.origin(setting), err)
	if l.typed {
		return UsageError{err}
	}
	return err
}

// layers are in the order of their precedence.
type layers []layer

// first returns the first layer that has any of the settings; an empty one where
// none does.
func (ls layers) first(settings ...string) layer {
	for _, l := range ls {
		if slices.ContainsFunc(settings, func(setting string) bool { return l.values[setting] != "" }) {
			return l
		}
	}
	return layer{}
}

// pick returns the value of a setting and the layer that has it; the value is
// empty where none does.
func (ls layers) pick(setting string) (value string, from layer) {
	from = ls.first(setting)
	return from.values[setting], from
}

// take stores a setting's value after its check; a setting that nobody has
// stays empty.
func (ls layers) take(setting string, to *string, check func(string) error) error {
	value, from := ls.pick(setting)
	if value == "" {
		return nil
	}
	if strings.ContainsFunc(value, isControl) {
		return from.blame(setting, hint.Errorf("type it anew: what is copied may bring such characters along", "control characters in its value"))
	}
	if err := check(value); err != nil {
		return from.blame(setting, err)
	}
	*to = value
	return nil
}

// taking is a setting, where its value goes, and the check that it has to pass.
type taking struct {
	setting string
	to      *string
	check   func(string) error
}

func (ls layers) takeAll(all []taking) error {
	for _, t := range all {
		if err := ls.take(t.setting, t.to, t.check); err != nil {
			return err
		}
	}
	return nil
}

// takeAs is take for what is not kept as text.
func takeAs[T any](ls layers, setting string, to *T, parse func(string) (T, error)) error {
	var text string
	return ls.take(setting, &text, func(text string) (err error) {
		*to, err = parse(text)
		return err
	})
}

// takeFile stores the path of a file, whole where it begins with ~/.
func (l layer) takeFile(setting string, to *string) error {
	check := checkFile
	if l.here {
		check = anything
	}
	err := layers{l}.take(setting, to, check)
	*to = expandHome(*to)
	return err
}

// layer turns a section's vaws_* keys into settings.
func (s section) layer() (layer, error) {
	values, err := settingsOf(s)
	return layer{values: values, origin: func(setting string) string {
		return fmt.Sprintf("%s:%d: %s", s.path, s.lines[keyName(setting)], keyName(setting))
	}}, err
}

// vaultLayer is what the vault CLI would take from the environment.
func vaultLayer(getenv func(string) string) layer {
	values := map[string]string{}
	for setting, name := range vaultVariables {
		values[setting] = getenv(name)
	}
	return layer{values: values, origin: func(setting string) string { return vaultVariables[setting] }, here: true}
}

// DefaultMount is where the AWS secrets engine is if nobody says otherwise.
const DefaultMount = "aws"

var builtIn = layer{values: map[string]string{Mount: DefaultMount}, origin: func(string) string { return "built-in default" }}

// variablesLayer is the VAWS_* variables.
func variablesLayer(getenv func(string) string) layer {
	values := map[string]string{}
	for _, setting := range slices.Concat(flagSettings, authSettings) {
		values[setting] = getenv(variableName(setting))
	}
	return layer{values: values, origin: variableName}
}

func (l layer) drop(settings ...string) {
	for _, setting := range settings {
		delete(l.values, setting)
	}
}

// chooseAddress returns the target's address: the first that a layer has, else,
// where there is an agent to go through, that of the surroundings. One that only
// another profile names is nobody else's.
func (ls layers) chooseAddress(surroundings string, agent bool) (string, error) {
	address, from := ls.pick(Address)
	if address == "" && agent {
		return surroundings, nil
	}
	if address == "" {
		return "", hint.Errorf("run: export VAULT_ADDR=https://vault.example.com:8200 (or set vaws_address in the AWS config)",
			"no Vault address is known")
	}
	normal, err := normalise(address)
	if err != nil {
		return "", from.blame(Address, err)
	}
	return normal, nil
}
