package child

import (
	"runtime"
	"slices"
	"testing"
)

func TestEnviron(t *testing.T) {
	base := []string{
		"PATH=/bin", "AWS_PROFILE=a", "KEY=old", "KEY=older", "EMPTY=", "AWS_CONTAINER_X=1", "aws_profile=b",
		"EQUALS=a=b", "nothing", "", "=noname", "=C:=C:\\work", "=c:=C:\\twice", "DUP=1", "DUP=2", "dup=3", "AWS_PROFILE=c",
	}
	set := []variable{{"KEY", "new"}, {"TOKEN", "t=1\n"}}
	for os, want := range map[naming][]string{
		"linux": {
			"PATH=/bin", "EMPTY=", "aws_profile=b", "EQUALS=a=b", "DUP=1", "dup=3", "KEY=new", "TOKEN=t=1\n",
		},
		"windows": {
			"PATH=/bin", "EMPTY=", "EQUALS=a=b", "=C:=C:\\work", "DUP=1", "KEY=new", "TOKEN=t=1\n",
		},
	} {
		got := os.environ(base, set, []string{"AWS_PROFILE", "NEVER"}, []string{"AWS_CONTAINER_"})
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", os, got, want)
		}
	}
}

func TestEnvironFoldsNamesOnWindowsOnly(t *testing.T) {
	base := []string{"Path=1", "PATH=2", "Key=old", "aws_container_x=1", "Gone=1"}
	set := []variable{{"KEY", "new"}}
	for os, want := range map[naming][]string{
		"windows": {"Path=1", "KEY=new"},
		"linux":   {"Path=1", "PATH=2", "Key=old", "aws_container_x=1", "Gone=1", "KEY=new"},
	} {
		if got := os.environ(base, set, []string{"GONE"}, []string{"AWS_Container_"}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", os, got, want)
		}
	}
}

func TestEnvironTakesAnyVariable(t *testing.T) {
	type pair struct{ Name, Value string }
	base := []string{"A=1", "B=1"}
	got := Environ(base, []pair{{"A", "2"}}, nil, nil)
	if want := []string{"B=1", "A=2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if want := []string{"A=1", "B=1"}; !slices.Equal(base, want) {
		t.Errorf("Environ changed its argument: %q", base)
	}
}

func TestValue(t *testing.T) {
	env := []string{"PATHEXT=x", "=PATH=z", "Path=first", "PATH=second", "PATH"}
	for os, want := range map[naming]string{"linux": "second", "windows": "first"} {
		if got, ok := os.value(env, "PATH"); !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", os, got, ok, want)
		}
	}
	if got, ok := naming(runtime.GOOS).value(env, "NEVER"); ok {
		t.Errorf("NEVER is %q", got)
	}
}
