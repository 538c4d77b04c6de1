//go:build !linux

package child

import "errors"

func lendMemory(string, []byte) (path string, release func(), err error) {
	return "", nil, errors.ErrUnsupported
}
