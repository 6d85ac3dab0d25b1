package jira

// state returns the state of an app, for the caller to fill in.
func (a *apps) state(o Owner) *appState {
	s := a.known[o]
	if s == nil {
		if a.known == nil {
			a.known = make(map[Owner]*appState)
		}
		s = new(appState)
		a.known[o] = s
		a.forget(o)
	}
	return s
}

// size is the size of the kept registrations in bytes.
func (s *appState) size() (sum int) {
	for _, r := range [...]*registered{s.current, s.prepared} {
		if r != nil {
			sum += r.size
		}
	}
	return sum
}

// keep replaces the registrations of an app, and drops other apps above the bounds.
func (a *apps) keep(o Owner, s *appState, current, prepared *registered) {
	a.size -= s.size()
	s.current, s.prepared = current, prepared
	a.size += s.size()
	a.forget(o)
}

// forget drops other apps in any order until there is room.
func (a *apps) forget(but Owner) {
	for o, s := range a.known {
		if len(a.known) <= maxApps && a.size <= maxAppBytes {
			return
		}
		if o != but && s.load == nil {
			a.size -= s.size()
			delete(a.known, o)
		}
	}
}
