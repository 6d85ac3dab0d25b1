// Package sqlconfig has the common settings of the Stores over database/sql.
package sqlconfig

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
)

// DefaultPrefix begins the names of tables.
const DefaultPrefix = "postrider_"

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// Common holds these settings. Seals and Opens report whether the functions for secrets are set.
type Common struct {
	DB                    *sql.DB
	Prefix                string
	Seals, Opens, Require bool
}

// Check refuses impossible settings, with errors of package pkg.
func (c Common) Check(pkg string) error {
	switch {
	case c.DB == nil:
		return errors.New(pkg + ": db is nil, open a pool with sql.Open first")
	case !validPrefix.MatchString(c.Prefix):
		return fmt.Errorf("%s: Options.Prefix %q must be 1 to 30 of a-z, 0-9 and _, beginning with a letter", pkg, c.Prefix)
	case c.Seals != c.Opens:
		return errors.New(pkg + ": Options.Seal and Options.Open must be set together: what one writes only the other can read")
	case c.Require && !c.Seals:
		return errors.New(pkg + ": Options.RequireSealed needs Options.Seal and Options.Open, or nothing stored could be used")
	}
	return nil
}
