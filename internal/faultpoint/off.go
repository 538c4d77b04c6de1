//go:build !faultpoints || !linux

// Package faultpoint is where a test build of vaws can be stopped short: at a point
// that a variable names it kills or freezes itself, or sleeps, and its clock may be
// wrong. Only builds with the tag faultpoints do that. In all others the functions do
// nothing, and neither they nor the names of the points are in the program.
package faultpoint

import (
	"io"
	"net/http"
	"time"
)

// Reach marks a point on the way of a call.
func Reach(string) {}

// Write writes data to w. The point lies half-way.
func Write(_ string, w io.Writer, data []byte) (int, error) { return w.Write(data) }

// WhenSent returns the request, which reaches the point when it has been written.
func WhenSent(req *http.Request, _ string) *http.Request { return req }

// Now is the time.
func Now() time.Time { return time.Now() }
