package aws

import (
	"encoding/base32"
	"fmt"
	"testing"
)

// decodeAccount reads the account out of an access key ID the other way round
// from how keyID puts it in.
func decodeAccount(t *testing.T, id string) string {
	t.Helper()
	raw, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		t.Fatal(err)
	}
	var n uint64
	for _, b := range raw[:6] {
		n = n<<8 | uint64(b)
	}
	return fmt.Sprintf("%012d", n>>7&(1<<40-1))
}

func TestKeyIDCarriesItsAccount(t *testing.T) {
	for _, want := range []string{"000000000001", "609629065308", "999999999999"} {
		id := keyID("ASIA", want)
		if len(id) != 20 {
			t.Errorf("%s has %d characters, want 20", id, len(id))
		}
		if got := decodeAccount(t, id); got != want {
			t.Errorf("%s holds %s, want %s", id, got, want)
		}
	}
}
