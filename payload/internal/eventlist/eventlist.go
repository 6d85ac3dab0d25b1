// Package eventlist has the common parts of several products' event lists.
package eventlist

// UnknownError reports that a list does not have a name.
type UnknownError struct {
	Name string // as given, of any length; the text leaves it out

	sentinel error // of the package that has the list
}

// Unknown returns an [*UnknownError] that matches the sentinel of a package.
func Unknown(sentinel error, name string) error { return &UnknownError{name, sentinel} }

// Error names the remedy.
func (e *UnknownError) Error() string {
	return e.sentinel.Error() + ": use a name that Events lists"
}

// Is reports whether target is the ErrUnknownEvent of the package that has the list.
func (e *UnknownError) Is(target error) bool { return target == e.sentinel }

// Names returns the names of the entries that keep accepts, in their order.
func Names[I any](list []I, name func(*I) string, keep func(*I) bool) []string {
	var out []string
	for i := range list {
		if keep(&list[i]) {
			out = append(out, name(&list[i]))
		}
	}
	return out
}

// Index returns the index of each name in a list.
func Index[I any](list []I, name func(*I) string) map[string]int {
	m := make(map[string]int, len(list))
	for i := range list {
		m[name(&list[i])] = i
	}
	return m
}

// Judge looks up an event and judges it by its entry. A name that the list does not have is an
// error, unless any event is accepted; it is then not judged.
func Judge[I any](lookup func(string) (I, error), event string, any bool, judge func(I) error) error {
	info, err := lookup(event)
	switch {
	case err == nil:
		return judge(info)
	case any:
		return nil
	}
	return err
}
