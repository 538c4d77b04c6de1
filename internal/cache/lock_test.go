package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vaws/internal/credentials"
	"vaws/internal/hint"
)

func childHoldsLock() {
	if _, err := childOpens().Lock(context.Background(), request); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	select {}
}

func TestKilledHolderFreesTheLock(t *testing.T) {
	dir := t.TempDir()
	holder := child(t, "hold-lock", dir)
	stdout, err := holder.StdoutPipe()
	must(t, err, holder.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	c := open(t, Options{Dir: filepath.Join(dir, "vaws"), Mode: File, KeyFile: filepath.Join(dir, "key")})
	if _, err := c.lock(t.Context(), request.Key(), time.Millisecond, credentials.ErrLockTimeout); !errors.Is(err, credentials.ErrLockTimeout) {
		t.Fatalf("locked beside the holder: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		unlock, err := c.Lock(context.Background(), request)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	must(t, holder.Process.Kill())
	_ = holder.Wait()
	must(t, <-got)
}

func TestLockTimesOutAndIsCancelled(t *testing.T) {
	o := options(t)
	o.LockWait = time.Millisecond
	c := open(t, o)
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)

	if _, err := c.Lock(t.Context(), request); !errors.Is(err, credentials.ErrLockTimeout) || len(hint.Of(err)) != 1 {
		t.Errorf("second lock: %v, hints %q", err, hint.Of(err))
	}
	c.options.LockWait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := c.Lock(ctx, request); !errors.Is(err, context.Canceled) || len(hint.Of(err)) != 0 {
		t.Errorf("cancelled lock: %v, hints %q", err, hint.Of(err))
	}
	free, err := c.Lock(t.Context(), another)
	must(t, err)
	free()

	// Those who gave up must not keep the lock from those who come later.
	unlock()
	unlock, err = c.Lock(t.Context(), request)
	must(t, err)
	unlock()
}

func TestWaitersGetTheLockOneByOne(t *testing.T) {
	c := open(t, options(t))
	var wg sync.WaitGroup
	var holding, had atomic.Int32
	for range 200 {
		wg.Go(func() {
			unlock, err := c.Lock(context.Background(), request)
			if err != nil {
				t.Error(err)
				return
			}
			if holding.Add(1) != 1 {
				t.Error("two hold the lock")
			}
			had.Add(1)
			holding.Add(-1)
			unlock()
		})
	}
	wg.Wait()
	if had.Load() != 200 {
		t.Errorf("%d of 200 had the lock", had.Load())
	}
}

func TestWaiterForASweptLockTakesItsSuccessor(t *testing.T) {
	c := open(t, options(t))
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	path := filepath.Join(c.locksDir(), request.Key()+lockSuffix)
	if err := removeLock(path); err == nil {
		t.Fatal("removed a lock that is held")
	}
	waiting := make(chan func(), 1)
	go func() {
		unlock, err := c.Lock(context.Background(), request)
		if err != nil {
			t.Error(err)
		}
		waiting <- unlock
	}()
	must(t, os.Remove(path)) // as a sweep would, had the holder not been there
	unlock()
	second := <-waiting
	defer second()
	if _, err := c.lock(t.Context(), request.Key(), time.Millisecond, credentials.ErrLockTimeout); !errors.Is(err, credentials.ErrLockTimeout) {
		t.Errorf("two hold the lock: %v", err)
	}
}

// Two sweeps may be under way at once, and each may have opened a lock that the other one
// removes.
func TestRemovedLocksAreNotHeldByTwo(t *testing.T) {
	c := open(t, options(t))
	must(t, c.makeLocksDir())
	path := filepath.Join(c.locksDir(), request.Key()+lockSuffix)
	end := time.Now().Add(300 * time.Millisecond)
	var wg sync.WaitGroup
	var holding atomic.Int32
	for range 4 {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				_ = removeLock(path)
			}
		})
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				unlock, err := c.Lock(context.Background(), request)
				if err != nil {
					t.Error(err)
					return
				}
				if holding.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				time.Sleep(100 * time.Microsecond)
				holding.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
}

func TestWaitersForALockWhoseDirectoryIsRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nothing is removed there that somebody has opened")
	}
	c := open(t, options(t))
	unlock, err := c.Lock(t.Context(), request)
	must(t, err)
	var wg sync.WaitGroup
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Add(1)
		wg.Go(func() {
			waiting.Done()
			unlock, err := c.Lock(context.Background(), request)
			if err != nil {
				t.Error(err)
				return
			}
			unlock()
		})
	}
	waiting.Wait()
	time.Sleep(10 * time.Millisecond) // until they wait for the file that is going to be removed
	must(t, os.RemoveAll(c.options.Dir))
	unlock()
	wg.Wait()
}
