package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// shownHome is the home directory in the pictures.
const shownHome = "/home/alice"

// epoch is when the pictures are taken, as they say.
var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	clockTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)
	keyID     = regexp.MustCompile(`\b(ASIA|AKIA)[A-Z2-7]{16}\b`)
	vaultText = regexp.MustCompile(`\bhv[sbr]\.[A-Za-z0-9_-]{20,}`)
)

// mask takes out of an output what differs from run to run, and every secret.
func (st *stage) mask(output string, now time.Time) (string, error) {
	for _, secret := range st.stand.Secrets() {
		output = strings.ReplaceAll(output, secret, "…")
	}
	output = keyID.ReplaceAllString(output, "${1}RTX3GSDSEXAMPLE7")
	output = strings.ReplaceAll(output, st.vault.Addr, "https://vault.example.com:8200")
	output = strings.ReplaceAll(output, st.home, shownHome)
	output = timestamp.ReplaceAllStringFunc(output, moved(time.RFC3339, now))
	output = clockTime.ReplaceAllStringFunc(output, moved("2006-01-02 15:04", now))
	if vaultText.MatchString(output) || strings.Contains(output, password) {
		return "", fmt.Errorf("a secret is on the screen")
	}
	return output, nil
}

// moved moves a time by as much as the picture's time is away from now, in steps of
// five minutes, so that a slow run makes no other picture.
func moved(layout string, now time.Time) func(string) string {
	return func(text string) string {
		at, err := time.Parse(layout, text)
		if away := at.Sub(now).Abs(); err != nil || away > 48*time.Hour {
			return text // not a time of this run
		}
		return epoch.Add(at.Sub(now).Round(5 * time.Minute)).Format(layout)
	}
}
