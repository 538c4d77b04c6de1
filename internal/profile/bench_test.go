package profile

import (
	"fmt"
	"strings"
	"testing"
)

// What a call needs of the AWS config, however many profiles are in it.
func BenchmarkResolve(b *testing.B) {
	for _, profiles := range []int{1, 2000} {
		var config strings.Builder
		for i := range profiles {
			fmt.Fprintf(&config, "[profile team-%d]\nregion = eu-central-1\nvaws_role = deploy\nvaws_address = https://vault.example.com\n", i)
		}
		q := query(b, config.String(), fmt.Sprintf("team-%d", profiles-1), nil)
		b.Run(fmt.Sprintf("%d", profiles), func(b *testing.B) {
			for b.Loop() {
				if _, err := Resolve(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
