//go:build !linux

package cache

import (
	"context"
	"errors"
)

// kernelKeyring does not exist outside Linux.
type kernelKeyring struct{}

func newKernelKeyring(Options) place { return kernelKeyring{} }

func (kernelKeyring) String() string { return "the kernel keyring" }

var errLinuxOnly = unavailable{errors.New("only Linux has one")}

func (kernelKeyring) look(context.Context) (*key, error) { return nil, errLinuxOnly }

func (kernelKeyring) store(context.Context, *key) error { return errLinuxOnly }

func (kernelKeyring) remove(context.Context) error { return nil }
