//go:build faultpoints && linux

// Package faultpoint is described in off.go. This is the test build:
//
//	LAB_FAULT="ACTION POINT [N]"   what to do when the point is reached, or is reached
//	                               for the Nth time: kill, stop (SIGSTOP), or
//	                               sleep=DURATION
//	LAB_CLOCK=DURATION             how far the clock is ahead
package faultpoint

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	armed   = parseFault(os.Getenv("LAB_FAULT"))
	ahead   = parseDuration(os.Getenv("LAB_CLOCK"))
	reached atomic.Int64
)

// fault is what shall happen, where, and at which time that it is reached.
type fault struct {
	action, point string
	nth           int64
}

func parseFault(text string) fault {
	words := append(strings.Fields(text), "1")
	if len(words) < 3 {
		return fault{}
	}
	nth, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		panic(err)
	}
	return fault{words[0], words[1], nth}
}

func parseDuration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

// Reach acts if the point is the one that was named.
func Reach(point string) {
	if point != armed.point || reached.Add(1) != armed.nth {
		return
	}
	switch action, argument, _ := strings.Cut(armed.action, "="); action {
	case "kill":
		signalSelf(syscall.SIGKILL)
	case "stop":
		signalSelf(syscall.SIGSTOP)
	case "sleep":
		time.Sleep(parseDuration(argument))
	default:
		panic(fmt.Sprintf("LAB_FAULT: no action %q", action))
	}
}

// signalSelf sends the signal to this thread, which gets it before the call is over.
// Another thread might have to wait for a processor, while this one goes on.
func signalSelf(s syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Tgkill(os.Getpid(), syscall.Gettid(), s); err != nil {
		panic(err)
	}
}

// Write writes the first half, reaches the point, and writes the rest.
func Write(point string, w io.Writer, data []byte) (int, error) {
	if point != armed.point {
		return w.Write(data)
	}
	half, err := w.Write(data[:len(data)/2])
	if err != nil {
		return half, err
	}
	Reach(point)
	rest, err := w.Write(data[half:])
	return half + rest, err
}

// WhenSent traces the request.
func WhenSent(req *http.Request, point string) *http.Request {
	return req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { Reach(point) },
	}))
}

// Now is the time by a clock that may be wrong.
func Now() time.Time { return time.Now().Add(ahead) }
