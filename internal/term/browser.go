package term

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

// Browse opens the user's browser at the address, and does not wait for it to be
// closed. That a program was started does not mean that somebody sees a page.
func Browse(address string) error {
	program, args := browser()
	cmd := exec.Command(program, append(args, address)...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("opening a browser: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	select {
	case err := <-ended: // a program that only starts the browser
		if err != nil {
			return fmt.Errorf("opening a browser: %s: %w", program, err)
		}
	case <-ctx.Done():
	}
	return nil
}
