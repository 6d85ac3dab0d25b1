package scheduler

const testsPerScope = 2

// startTest begins a test if the bounds permit one. A test bypasses pauses, the window and limits,
// because it diagnoses them, and takes no slot.
func (s *Scheduler) startTest(scopeName string) bool {
	if s.tests >= max(1, s.c.Capacity/4) || s.inFlight+s.tests >= s.c.MaxInFlight {
		return false
	}
	sc := s.scopeOf(scopeName)
	if sc.tests >= testsPerScope {
		return false
	}
	sc.tests++
	s.tests++
	return true
}

func (s *Scheduler) endTest(e TestEnded) {
	s.tests--
	sc := s.scopeOf(e.Scope)
	sc.tests--
	if ep := s.endpoints[hookID{e.Scope, e.WebhookID}]; e.Delivered && ep != nil && ep.health != nil {
		ep.health.tries = 0
		s.recovered(ep, s.storeNow())
		s.saveHealth(ep)
	}
	s.forgetScope(sc)
}
