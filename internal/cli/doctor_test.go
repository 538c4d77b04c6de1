package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vaws/internal/hint"
)

// What takes too long gives nothing any more, however it ends.
func TestNothingComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := make(chan struct{})
		defer close(later)
		got, findings := resultWithin(t.Context(), time.Second, "disk", func(context.Context) ([]string, []hint.Finding) {
			<-later
			return []string{"late"}, nil
		})
		if len(got) > 0 || len(findings) != 1 || findings[0].About != "disk" || findings[0].Status != hint.Wrong {
			t.Errorf("%v, %+v", got, findings)
		}
		got, findings = resultWithin(t.Context(), time.Second, "disk", func(context.Context) ([]string, []hint.Finding) {
			return []string{"in time"}, nil
		})
		if len(got) != 1 || len(findings) > 0 {
			t.Errorf("%v, %+v", got, findings)
		}
	})
}
