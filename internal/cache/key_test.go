package cache

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func childMakesKey() {
	c := childOpens()
	k, err := c.keyToWrite(context.Background())
	if err == nil {
		err = c.makeDirs()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(k.id)
}

func TestProcessesMakeOneKey(t *testing.T) {
	dir := t.TempDir()
	var outputs [50]bytes.Buffer
	var running []*exec.Cmd
	for i := range outputs {
		cmd := child(t, "make-key", dir)
		cmd.Stdout = &outputs[i]
		must(t, cmd.Start())
		running = append(running, cmd)
	}
	for i, cmd := range running {
		must(t, cmd.Wait())
		if got, first := outputs[i].String(), outputs[0].String(); got != first || len(got) != 16 {
			t.Errorf("process %d made key %q, process 0 %q", i, got, first)
		}
	}
}

// memory is a place whose look and store may be told to fail.
type memory struct {
	mu     sync.Mutex
	key    *key
	looks  int
	err    error // of look
	forget bool  // store reports success and keeps nothing
}

func (m *memory) String() string { return "the test's memory" }

func (m *memory) look(context.Context) (*key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	if m.err == nil && m.key == nil {
		return nil, errNoKey
	}
	return m.key, m.err
}

func (m *memory) remove(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.key = nil
	return nil
}

func (m *memory) store(_ context.Context, k *key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.forget {
		m.key = k
	}
	return nil
}

func in(t *testing.T, p place) *Cache {
	t.Helper()
	o, err := options(t).withDefaults()
	must(t, err)
	return &Cache{options: o, place: p}
}

func TestGoroutinesMakeOneKey(t *testing.T) {
	m := &memory{}
	dir := in(t, m).options
	var wg sync.WaitGroup
	ids := make([]string, 50)
	for i := range ids {
		wg.Go(func() {
			c := &Cache{options: dir, place: m}
			k, err := c.keyToWrite(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.id
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("keys %s and %s", id, ids[0])
		}
	}
}

func TestWhatIsReadBackIsUsed(t *testing.T) {
	c := in(t, &overwritten{})
	k, err := c.keyToWrite(t.Context())
	if err != nil || k != theirs {
		t.Errorf("used %v, %v", k, err)
	}
}

// overwritten is a place where somebody else stores a key a moment later.
type overwritten struct{ memory }

var theirs = newKey()

func (o *overwritten) store(ctx context.Context, _ *key) error { return o.memory.store(ctx, theirs) }

func TestPlaceThatKeepsNothingIsAnError(t *testing.T) {
	c := in(t, &memory{forget: true})
	if err := c.Save(t.Context(), request, minted); err == nil || !strings.Contains(err.Error(), "reading the cache key back from the test's memory") {
		t.Errorf("saved: %v", err)
	}
}

func TestPlaceThatTimesOutIsNotAskedAgain(t *testing.T) {
	m := &memory{}
	c := in(t, m)
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	defer unlock()
	m.err = errors.New("timed out after 2s")
	c.Load(t.Context(), request)
	c.Load(t.Context(), request)
	if err := c.Save(t.Context(), request, minted); !errors.Is(err, m.err) {
		t.Errorf("saved: %v", err)
	}
	if m.looks != 1 {
		t.Errorf("asked %d times", m.looks)
	}
}

func TestACallerWhoGivesUpDoesNotBreakTheCache(t *testing.T) {
	c := in(t, &memory{err: context.Canceled})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.keyToWrite(ctx); err == nil {
		t.Error("made a key for nobody")
	}
	if c.broken != nil {
		t.Errorf("broken: %v", c.broken)
	}
}

func TestFirstAvailable(t *testing.T) {
	locked := &memory{err: unavailable{errors.New("locked")}}
	hung := &memory{err: errors.New("timed out")}
	empty := &memory{}
	tests := map[string]struct {
		first, second, want place
		err                 string
	}{
		"first serves":      {empty, &memory{}, empty, ""},
		"first unavailable": {locked, empty, empty, ""},
		"first hangs":       {hung, empty, nil, "opening the test's memory: timed out"},
		"both unavailable":  {locked, locked, nil, "no place for the cache key: opening the test's memory: locked; opening the test's memory: locked"},
		"second hangs":      {locked, hung, nil, "opening the test's memory: timed out"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, k, err := firstAvailable(t.Context(), Options{Debug: t.Logf}, test.first, test.second)
			if p != test.want || k != nil || fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
				t.Errorf("got %v, %v, %v", p, k, err)
			}
		})
	}
}

func TestParseKey(t *testing.T) {
	k := newKey()
	encoded := base64.StdEncoding.EncodeToString(k.secret[:])
	for _, text := range []string{k.text(), strings.ToUpper(k.text()) + "\n", encoded, " " + encoded + "\r\n"} {
		if got, err := parseKey([]byte(text)); err != nil || got.id != k.id {
			t.Errorf("%d characters: %v, %v", len(text), got, err)
		}
	}
	for _, text := range []string{"", "short", k.text()[:63], k.text() + "00", hex.EncodeToString(make([]byte, 31)), strings.Repeat("z", 64), "v2:" + k.text()} {
		if _, err := parseKey([]byte(text)); !errors.Is(err, errNotAKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeyIDTellsNothing(t *testing.T) {
	k := newKey()
	if strings.Contains(k.text(), k.id) || len(k.id) != 16 {
		t.Errorf("id %q", k.id)
	}
	if newKey().id == k.id {
		t.Error("two keys, one id")
	}
}

func TestKeyLockTimesOut(t *testing.T) {
	c := in(t, &memory{})
	unlock, err := c.lock(t.Context(), keyLockName, time.Minute, errKeyLockTimeout)
	must(t, err)
	defer unlock()
	if _, err := c.lock(t.Context(), keyLockName, time.Millisecond, errKeyLockTimeout); !errors.Is(err, errKeyLockTimeout) {
		t.Errorf("locked twice: %v", err)
	}
}

// Windows takes 2560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE), go-keyring on macOS 4096 for a
// command line that holds service, account and the value in base64 (keyring_darwin.go).
func TestKeyFitsEveryKeyring(t *testing.T) {
	account := keyAccount(strings.Repeat("/a-very-long-directory", 500))
	text := newKey().text()
	if len(text) > 2560 || len(keyringService)+len(account)+2*len(text) > 4096-256 {
		t.Errorf("a key of %d bytes in account %q", len(text), account)
	}
}
