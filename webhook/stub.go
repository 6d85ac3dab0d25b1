package webhook

import (
	"context"
	"time"
)

type keeper struct{}

func (k *keeper) of(scope, id string) Health                  { return Health{} }
func (k *keeper) forget(ctx context.Context, scope, id string) {}
func (k *keeper) drop(id string)                               {}
func (k *keeper) current(ctx context.Context)                  {}
func (d *Dispatcher) Run(ctx context.Context) error            { panic("stub") }
func (d *Dispatcher) knowTime(ctx context.Context)             {}
func (d *Dispatcher) room() (room map[string]int, next time.Time) {
	return nil, time.Time{}
}
