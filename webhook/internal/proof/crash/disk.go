package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

// diskFull is row P11: the file system of the database has no space left while a host works, and
// gets some later.
func diskFull(ctx context.Context, l *life) {
	dir := filepath.Join(l.world.dir, fmt.Sprintf("disk%d", l.world.names.Add(1)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		l.wrong("P11", "%v", err)
		return
	}
	disk := mount(dir)
	l.field.Close()
	l.receiver.Close()
	if err := l.prepare(ctx, hostproc.SQLite(filepath.Join(dir, "app.db"), 5*time.Second)); err != nil {
		disk.close()
		l.wrong("P11", "%v", err)
		return
	}
	defer func() { l.field.Close(); disk.close() }()
	l.underLoad(ctx, "P11", disk.fill, disk.free)
	l.finish(ctx, l.config(4))
	var verdict string
	if err := l.field.DB.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		l.wrong("P11", "integrity check: %q, %v", verdict, err)
	}
}

// file is the database file of a life on SQLite.
func (l *life) file() string {
	var n int
	var name, file string
	if err := l.field.DB.QueryRow("PRAGMA database_list").Scan(&n, &name, &file); err != nil {
		l.wrong("", "%v", err)
	}
	return file
}
