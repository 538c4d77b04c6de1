package cli

import "testing"

// A command line with a flag, for which the parser is needed.
func BenchmarkParser(b *testing.B) {
	for b.Loop() {
		parser, err := newParser("credential-process")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parser.Parse([]string{"credential-process", "ec2-admin", "--ttl=1h"}); err != nil {
			b.Fatal(err)
		}
	}
}
