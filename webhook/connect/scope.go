package connect

import (
	"fmt"
	"slices"
	"strings"
)

// Scopes that an add-on asks for, weakest first. Each implies those before it, apart
// from SPACE_ADMIN, which does not imply PROJECT_ADMIN.
const (
	ScopeRead         = "READ"
	ScopeWrite        = "WRITE"
	ScopeDelete       = "DELETE"
	ScopeProjectAdmin = "PROJECT_ADMIN"
	ScopeSpaceAdmin   = "SPACE_ADMIN"
	ScopeAdmin        = "ADMIN"
)

var ranking = []string{ScopeRead, ScopeWrite, ScopeDelete, ScopeProjectAdmin, ScopeSpaceAdmin, ScopeAdmin}

// Grants reports whether one of the scopes is the wanted one or implies it. The case of scopes is
// ignored. A scope outside the order, such as ACT_AS_USER, implies itself alone.
func Grants(scopes []string, wanted string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return implies(strings.ToUpper(s), strings.ToUpper(wanted)) })
}

func implies(scope, wanted string) bool {
	has, wants := slices.Index(ranking, scope), slices.Index(ranking, wanted)
	switch {
	case scope == wanted:
		return true
	case scope == ScopeSpaceAdmin && wanted == ScopeProjectAdmin:
		return false
	}
	return wants >= 0 && has > wants
}

// ScopeError reports that an add-on listens to an event without the scope for it. It matches
// [ErrDescriptor].
type ScopeError struct {
	AddOn string // the add-on's key
	Event string
	Scope string // the scope that is missing
}

// Error names all three.
func (e *ScopeError) Error() string {
	return fmt.Sprintf("connect: add-on %s listens to %s, which needs the scope %s: add it to scopes", e.AddOn, e.Event, e.Scope)
}

// Is reports whether target is ErrDescriptor.
func (e *ScopeError) Is(target error) bool { return target == ErrDescriptor }
