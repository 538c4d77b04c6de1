package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// data reads what follows the path of a write: KEY=VALUE, KEY=@FILE, KEY=- for
// stdin, and whole objects in JSON from @FILE or - (stdin).
func (c *call) data(args []string) (map[string]any, error) {
	data := map[string]any{}
	for _, arg := range args {
		key, value, isPair := strings.Cut(arg, "=")
		if !isPair {
			if err := c.merge(data, arg); err != nil {
				return nil, err
			}
			continue
		}
		text, err := c.value(value)
		if err != nil {
			return nil, err
		}
		data[key] = several(data[key], text)
	}
	return data, nil
}

// several makes a list of the values of a key that is given more than once.
func several(before any, value string) any {
	switch before := before.(type) {
	case string:
		return []string{before, value}
	case []string:
		return append(before, value)
	}
	return value
}

func (c *call) value(text string) (string, error) {
	if path, isFile := strings.CutPrefix(text, "@"); isFile {
		return readAll(path, nil)
	}
	if text == "-" {
		return readAll("-", c.stdin)
	}
	return text, nil
}

// merge adds a JSON object from a file or from stdin.
func (c *call) merge(data map[string]any, arg string) error {
	var from io.Reader = c.stdin
	if path, isFile := strings.CutPrefix(arg, "@"); isFile {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	} else if arg != "-" {
		return usageError(fmt.Sprintf("%q is not KEY=VALUE", arg))
	}
	more := map[string]any{}
	if err := json.NewDecoder(from).Decode(&more); err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	maps.Copy(data, more)
	return nil
}

// print writes the one field that was asked for, or a table.
func (c *call) print(secret *api.Secret) error {
	all := map[string]any{}
	maps.Copy(all, secret.Data)
	if secret.LeaseID != "" {
		all["lease_id"], all["lease_renewable"] = secret.LeaseID, secret.Renewable
		all["lease_duration"] = duration(secret.LeaseDuration)
	}
	if field := c.flag("field", ""); field != "" {
		value, found := all[field]
		if !found {
			return fmt.Errorf("field %q not present in secret", field)
		}
		fmt.Fprintln(c.out, plain(value))
		return nil
	}
	width := len("Key")
	for key := range all {
		width = max(width, len(key))
	}
	fmt.Fprintf(c.out, "%-*s    Value\n%-*s    -----\n", width, "Key", width, "---")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(c.out, "%-*s    %s\n", width, key, plain(all[key]))
	}
	return nil
}

func duration(seconds int) string { return (time.Duration(seconds) * time.Second).String() }

// plain is a value as Vault's tables show it.
func plain(value any) string {
	if list, isList := value.([]any); isList {
		texts := make([]string, len(list))
		for i, item := range list {
			texts[i] = plain(item)
		}
		return "[" + strings.Join(texts, " ") + "]"
	}
	if value == nil {
		return "<nil>"
	}
	return fmt.Sprint(value)
}
