package webhook

import (
	"context"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// For tests of what the public path reaches only through a transport.

var (
	CheckHeader  = checkHeader
	NextProcess  = nextProcess
	AnswerHeader = answerHeader
	KeptFields   = keptFields[:]
)

const (
	MaxSnippet  = maxSnippet
	MaxPrepared = maxPrepared
)

// Workers are goroutines that wait for more work.
type Workers = workers

func (p *workers) Run(f func())  { p.run(f) }
func (p *workers) Keep(most int) { p.keep(most) }
func (p *workers) End()          { p.end() }

// JobsTogether allocates so many jobs as for one claim, and returns pointers to them.
func JobsTogether(n int) (jobs []*Job) {
	b := jobBlock{wanted: n}
	for range n {
		jobs = append(jobs, b.next())
	}
	return jobs
}

// Job is a delivery in a process.
type Job = job

// BreakScheduler makes a step panic, as a bug in it would.
func BreakScheduler(d *Dispatcher) { d.engine.post(scheduler.Attempted{}) }

// CertificateEnds runs the check that follows each attempt.
func CertificateEnds(ctx context.Context, d *Dispatcher, w Webhook) { d.warnCertificate(ctx, &w) }
