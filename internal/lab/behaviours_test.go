package lab

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// behaviours are the kinds of bad servers.
var behaviours = map[string]behaviour{
	"sound":        func(c *caller) { c.pass() },
	"silent":       func(c *caller) { c.asked(); <-c.server.ended },
	"reset":        func(c *caller) { c.reset() },
	"reset-asked":  func(c *caller) { c.asked(); c.reset() },
	"reset-header": resetAt(func(answer []byte) int { return 20 }),
	"reset-body":   resetAt(func(answer []byte) int { return len(answer) - 100 }),
	"hang-up":      func(c *caller) { c.asked() },

	// All that these say is right.
	"slow":    dripping(16, time.Millisecond),
	"trickle": dripping(1, time.Second),
	"late":    late,

	"truncated": changed(func(body []byte) []byte { return body[:len(body)/2] }, func(n int) int { return n / 2 }),
	"too-short": changed(whole, func(n int) int { return n / 2 }),
	"too-long":  changed(whole, func(n int) int { return 2 * n }),
	"endless":   endless,

	"empty":    says("200 OK", "Content-Type: application/json\r\n", ""),
	"page":     says("200 OK", "Content-Type: text/html\r\n", "<html><title>Sign in</title></html>"),
	"403":      says("403 Forbidden", "Content-Type: text/html\r\n", "<html><h1>Forbidden by policy</h1></html>"),
	"429":      says("429 Too Many Requests", "Content-Type: text/html\r\n", "<html><h1>Slow down</h1></html>"),
	"429-hour": says("429 Too Many Requests", "Retry-After: 3600\r\n", quota),
	"429-once": until(2, says("429 Too Many Requests", "Retry-After: 1\r\n", quota)),
	"502":      says("502 Bad Gateway", "Content-Type: text/html\r\n", "<html><h1>Bad Gateway</h1></html>"),
	"503":      says("503 Service Unavailable", "Content-Type: text/html\r\n", "<html><h1>No server is available</h1></html>"),

	// A standby whose leader is gone for ever; one behind a load balancer, to whose address
	// the nodes send clients; and one that cannot forward.
	"307":           sendsTo(func(*http.Request) string { return "127.0.0.1:1" }),
	"307-itself":    until(4, sendsTo(func(r *http.Request) string { return r.Host })),
	"no-forwarding": noForwarding,
}

const quota = `{"errors":["request path \"aws/sts/ec2-admin\": rate limit quota exceeded"]}`

// resetAt resets the connection after so many bytes of the answer.
func resetAt(where func(answer []byte) int) behaviour {
	return func(c *caller) {
		if !c.asked() {
			return
		}
		answer := c.vault()
		_, _ = c.Write(answer[:where(answer)])
		time.Sleep(100 * time.Millisecond) // or the reset takes along what was written
		c.reset()
	}
}

// dripping passes Vault's answer on in bits of so many bytes.
func dripping(bytes int, pause time.Duration) behaviour {
	return func(c *caller) {
		if !c.asked() {
			return
		}
		for bit := range slices.Chunk(c.vault(), bytes) {
			if _, err := c.Write(bit); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// late answers after 20 seconds.
func late(c *caller) {
	if !c.asked() {
		return
	}
	answer := c.vault()
	select {
	case <-time.After(20 * time.Second):
		_, _ = c.Write(answer)
	case <-c.server.ended:
	}
}

func endless(c *caller) {
	c.asked()
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"data\":{\"access_key\":\"")
	for block := bytes.Repeat([]byte("A"), 64<<10); err == nil; {
		_, err = c.Write(block)
	}
}

func whole(body []byte) []byte { return body }

// changed changes the body of Vault's answer, and says another length.
func changed(body func([]byte) []byte, length func(int) int) behaviour {
	return func(c *caller) {
		if !c.asked() {
			return
		}
		_, text, _ := bytes.Cut(c.vault(), []byte("\r\n\r\n"))
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length(len(text)), body(text))
	}
}

// says answers everything with the same.
func says(status, headers, body string) behaviour {
	return func(c *caller) {
		if c.asked() {
			c.say(status, headers, body)
		}
	}
}

func (c *caller) say(status, headers, body string) {
	fmt.Fprintf(c, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, headers, len(body), body)
}

// sendsTo redirects to another host, as a standby does.
func sendsTo(leader func(*http.Request) string) behaviour {
	return func(c *caller) {
		if c.asked() {
			c.say("307 Temporary Redirect", "Location: http://"+leader(c.req)+c.req.URL.RequestURI()+"\r\n", "")
		}
	}
}

// until is bad before the nth connection, and passes on what Vault says from then on.
func until(n int64, bad behaviour) behaviour {
	return func(c *caller) {
		if c.number < n {
			bad(c)
		} else {
			c.pass()
		}
	}
}

// pass does what a sound proxy does.
func (c *caller) pass() {
	if c.asked() {
		_, _ = c.Write(c.vault())
	}
}

// noForwarding asks a standby to redirect what it would forward.
func noForwarding(c *caller) {
	if c.asked() {
		c.req.Header.Set("X-Vault-No-Request-Forwarding", "true")
		_, _ = c.Write(c.vault())
	}
}
