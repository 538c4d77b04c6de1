// Command browser does what a person at a browser does to log in: it opens the
// address that is its argument in a headless Chromium, fills in the form of the
// lab's identity provider, clicks, and waits for the page that it ends up at. It
// is installed as xdg-open too, for programs that open a browser that way.
//
// It reads from the environment
//
//	LAB_BROWSER_ACTION    sign-in (default), deny, look: only open the page, or
//	                      ignore: exit and open nothing
//	LAB_BROWSER_USER      who signs in
//	LAB_BROWSER_PASSWORD  with which password
//	LAB_BROWSER_LOG       the file to write at the end: the address of the last
//	                      page, and below it the page's text, or "error: " and
//	                      what went wrong; the file appears when it is complete
//
// It ends within 30 seconds, whatever the servers do, and Chromium with it; it
// leaves no profile behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"
)

// patience bounds the visit, and leaves Chromium 5 of the 30 seconds to end.
const patience = 25 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "browser: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: browser URL")
	}
	var answer chromedp.Action[chromedp.Void]
	switch action := os.Getenv("LAB_BROWSER_ACTION"); action {
	case "ignore":
		return nil
	case "look":
	case "deny":
		answer = press("deny")
	case "", "sign-in":
		answer = chromedp.Steps(
			fillIn("user", os.Getenv("LAB_BROWSER_USER")),
			fillIn("password", os.Getenv("LAB_BROWSER_PASSWORD")),
			press("sign-in"),
		)
	default:
		return fmt.Errorf("LAB_BROWSER_ACTION is %q", action)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := browse(ctx, args[0], answer)
	if err != nil {
		text = "error: " + err.Error()
	}
	return errors.Join(err, writeLog(os.Getenv("LAB_BROWSER_LOG"), text+"\n"))
}

func fillIn(field, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(`#login [name="`+field+`"]`, text)
}

func press(button string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(`#login [value="` + button + `"]`)
}

// browse runs Chromium with a home of its own, so that nothing of it is left.
func browse(ctx context.Context, url string, answer chromedp.Action[chromedp.Void]) (string, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return "", err
	}
	// Not below TMPDIR: Chromium puts a socket there, and the path of a
	// socket is short (108 bytes, unix(7)). The test finds it by the number.
	home, err := os.MkdirTemp("/tmp", fmt.Sprintf("vaws-lab-browser-%d-", os.Getpid()))
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(home) }()
	// There chromedp makes the profile; it ends what still runs on one that it
	// made itself.
	if err := os.Setenv("TMPDIR", home); err != nil {
		return "", err
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, chromiumOptions(chromium, home)...)
	// It returns when Chromium is gone.
	defer cancel()
	ctx, cancelTab := chromedp.NewContext(ctx)
	defer cancelTab()
	return visit(ctx, url, answer)
}

func chromiumOptions(chromium, home string) []chromedp.ExecAllocatorOption {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium),
		chromedp.NoInheritEnv,
		chromedp.Env("HOME="+home, "TMPDIR="+home, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8"),
	}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "disable-dev-shm-usage", "disable-extensions",
		"no-first-run", "no-default-browser-check", "disable-default-apps",
		"disable-breakpad", "disable-background-networking", "disable-component-update", "disable-sync", "metrics-recording-only",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	return append(options, chromedp.Flag("password-store", "basic"))
}

// visit logs in and returns the last page's address and text.
func visit(ctx context.Context, url string, answer chromedp.Action[chromedp.Void]) (string, error) {
	form, err := chromedp.RunResponse(ctx, chromedp.Navigate(url))
	if err != nil {
		return "", fmt.Errorf("opening the page: %w", err)
	}
	if form.Status != 200 {
		page, err := read(ctx)
		return "", errors.Join(fmt.Errorf("there is no form, but status %d:\n%s", form.Status, page), err)
	}
	if answer == nil {
		return read(ctx)
	}
	if _, err := chromedp.RunResponse(ctx, answer); err != nil {
		return "", fmt.Errorf("sending the form: %w", err)
	}
	// With response_mode=form_post the provider hands out one more form.
	if posts, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.getElementById("continue") !== null`)); err != nil {
		return "", err
	} else if posts {
		if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.ID("continue"))); err != nil {
			return "", fmt.Errorf("going on from the provider: %w", err)
		}
	}
	return read(ctx)
}

// read returns the page's address and, below it, its text.
func read(ctx context.Context) (string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
}

// writeLog makes the file appear complete.
func writeLog(file, text string) error {
	if file == "" {
		return nil
	}
	partial := file + ".partial"
	if err := os.WriteFile(partial, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, file)
}
