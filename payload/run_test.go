package payload_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

func TestTaskEnded(t *testing.T) {
	t.Parallel()
	s := success()
	run := payload.Run{Scope: "acme", ProcessID: s.ProcessID, Name: s.Name, ActionTypes: s.ActionTypes, DeepLink: s.DeepLink}
	if diff := cmp.Diff(payload.Data(s), payload.TaskEnded(run, nil)); diff != "" {
		t.Errorf("without an error (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(payload.Data(failure()), payload.TaskEnded(run, errors.New("canary"))); diff != "" {
		t.Errorf("with an error (-want +got):\n%s", diff)
	}
}
