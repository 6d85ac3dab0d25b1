package scheduler_test

import (
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// send makes a request after checking the rules for requests.
func (m *sim) send(j *scheduler.Job) {
	r, now := m.store.byID[j.ID], m.now
	h := r.hook
	switch {
	case !m.running || m.paused || m.stopping:
		m.fail("%s is sent although nothing may be", j.ID)
	case m.flying[j.ID] != nil:
		m.fail("%s is sent twice at a time", j.ID)
	case r.ended || !r.held || !r.ours || r.lease != j.Lease:
		m.fail("%s is sent without a lease", j.ID)
	case j.Until.Sub(m.storeNow()) < j.Timeout:
		m.fail("%s is sent with %v of its lease left", j.ID, j.Until.Sub(m.storeNow()))
	case j.Read.Before(m.edited[h.id]), j.Read.Equal(m.edited[h.id]) && j.Reads() == 0:
		m.fail("%s is sent as the webhook was before an edit", j.ID)
	case now.Sub(j.Read) > 250*time.Millisecond && !(j.Reads() > 0 && (now.Sub(m.reread[h.id]) <= m.c.SlowAfter || j.Reads() >= scheduler.MaxReads)):
		m.fail("%s is sent on a read that is %v old", j.ID, now.Sub(j.Read))
	case m.otherOfKey(r) != nil:
		m.fail("%s is sent beside %s, which has its key", j.ID, m.otherOfKey(r).id)
	case !h.usable[j.Hook.(int)]:
		m.fail("%s is sent to a webhook that was not active", j.ID)
	}
	if m.err != nil {
		return
	}
	m.sends++
	m.flying[j.ID] = j
	m.onSend(j)
	gen, began := m.gen, m.s.Store(m.now)
	if m.cutOffs > 0 && m.rng.IntN(m.cutOffs) == 0 {
		m.after(time.Millisecond, func() { m.cutOff(gen, j) })
		return
	}
	took, result := m.answer(h)
	result.Start, result.End = began, began.Add(took)
	m.after(took, func() {
		if gen != m.gen || m.flying[j.ID] != j {
			return
		}
		delete(m.flying, j.ID)
		j.Result = result
		m.step(scheduler.Attempted{Job: j})
	})
}

// otherOfKey returns a row in flight with the key of another one, if the webhook has kept its order
// since both were leased.
func (m *sim) otherOfKey(r *row) *row {
	if r.key == "" || r.hook.take != scheduler.TakeHeads || r.order != r.hook.orders {
		return nil
	}
	for _, o := range m.store.inLane[r.lane] {
		if o != r && o.key == r.key && o.order == r.order && m.flying[o.id] != nil {
			return o
		}
	}
	return nil
}

func (m *sim) cutOff(gen int, j *scheduler.Job) {
	if gen == m.gen && m.flying[j.ID] == j {
		delete(m.flying, j.ID)
		m.step(scheduler.NotSent{Job: j})
	}
}

// answer returns the duration and the result of a request to an endpoint.
func (m *sim) answer(h *hook) (time.Duration, scheduler.Result) {
	ms := func(from, to int) time.Duration {
		return time.Duration(from)*time.Millisecond + time.Duration(m.rng.IntN((to-from)*1000))*time.Microsecond
	}
	retry := func() time.Time { return m.s.Store(m.now).Add(ms(100, 3000)) }
	switch h.mode {
	case prompt:
		return ms(1, 20), scheduler.Result{Delivered: true, Counts: true}
	case slowly:
		return ms(40, 400), scheduler.Result{Delivered: true, Counts: true}
	case hangs:
		return timeout, scheduler.Result{Counts: true, Overload: true, Retry: retry().Add(timeout), Code: "timeout"}
	case fails:
		return ms(1, 20), scheduler.Result{Counts: true, Overload: true, Retry: retry(), Code: "500"}
	case rejects:
		return ms(1, 20), scheduler.Result{Counts: true, Retry: retry(), Code: "400", Attention: "rejected"}
	case patient:
		d := ms(200, 4000)
		return ms(1, 20), scheduler.Result{Counts: true, Overload: true, Patience: d, Retry: m.s.Store(m.now).Add(d), Code: "429"}
	default:
		return ms(1, 20), scheduler.Result{Counts: true, Gone: true, Retry: retry(), Code: "410"}
	}
}
