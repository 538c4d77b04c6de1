package hint

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	roles := []string{"ec2-admin", "ec2-read", "deploy", "s3"}
	for word, want := range map[string][]string{
		"ec2-amdin": {"ec2-admin"},
		"EC2-admin": {"ec2-admin"},
		"deplyo":    {"deploy"},
		"admin":     {"ec2-admin"},
		"zzzzzzzz":  nil,
		"":          nil,
		"ls":        nil,
		"s2":        {"s3"},
	} {
		if got := Nearest(word, roles); !slices.Equal(got, want) {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearestOffersThreeAtMost(t *testing.T) {
	if got := Nearest("role1", []string{"role2", "role3", "role1x", "role5", "role2"}); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"ab", "ba", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
