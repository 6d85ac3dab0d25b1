package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/postrider/postrider/examples/internal/hostproc"
)

// diskFull is row P11: the file system of the database has no space left while a host
// works, and gets some later. Where this process may mount one, it is a small file system
// in memory; else the size of files is limited for the host.
func diskFull(ctx context.Context, l *life) {
	disk, err := newDisk(filepath.Join(l.world.dir, fmt.Sprintf("disk%d", l.world.names.Add(1))))
	if err != nil {
		l.wrong("P11", "%v", err)
		return
	}
	defer disk.close()
	l.field.Close()
	l.receiver.Close()
	if err := l.prepare(ctx, hostproc.SQLite(disk.file(), 5*time.Second)); err != nil {
		l.wrong("P11", "%v", err)
		return
	}
	l.underLoad(ctx, "P11", disk.fill, disk.free)
	l.finish(ctx, l.config(4))
	var verdict string
	if err := l.field.DB.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		l.wrong("P11", "integrity check: %q, %v", verdict, err)
	}
}

// file is where the database of a life on SQLite lies.
func (l *life) file() string {
	var n int
	var name, file string
	if err := l.field.DB.QueryRow("PRAGMA database_list").Scan(&n, &name, &file); err != nil {
		l.wrong("", "%v", err)
	}
	return file
}

// disk is a small file system in memory with a database on it, and beside it a file that
// takes the rest of the space.
type disk struct {
	dir string
	err error
}

const diskSize = 8 << 20

func newDisk(dir string) (*disk, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := syscall.Mount("postrider", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		return nil, fmt.Errorf("mount a small file system: %w", err)
	}
	return &disk{dir: dir}, nil
}

func (d *disk) file() string    { return filepath.Join(d.dir, "app.db") }
func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the space there is.
func (d *disk) fill() {
	f, err := os.Create(d.ballast())
	if err != nil {
		d.err = err
		return
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.err = err
	}
}

func (d *disk) free() error { return errors.Join(d.err, os.Remove(d.ballast())) }

func (d *disk) close() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) }
