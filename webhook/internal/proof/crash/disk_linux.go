package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

// disk runs out of space on demand. Where this process may mount one, it is a small file system in
// memory and a file that fills it. Elsewhere the size of the host's files is limited instead.
type disk struct {
	dir     string
	mounted bool
	err     error
}

// canFill: the disk can be filled on this system.
const canFill = true

const diskSize = 8 << 20

func mount(dir string) *disk {
	err := syscall.Mount("postrider", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize))
	return &disk{dir: dir, mounted: err == nil}
}

func (d *disk) close() {
	if d.mounted {
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH)
	}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the free space.
func (d *disk) fill(p *hostproc.Process) {
	if !d.mounted {
		d.err = limitFiles(p.PID(), 1)
		return
	}
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

// free releases the space.
func (d *disk) free(p *hostproc.Process) error {
	if !d.mounted {
		return errors.Join(d.err, limitFiles(p.PID(), ^uint64(0)))
	}
	return errors.Join(d.err, os.Remove(d.ballast()))
}

// limitFiles limits the size of files that a process may write, see prlimit(2). The hard
// limit stays, so that the limit can be raised again.
func limitFiles(pid int, size uint64) error {
	limit := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	const fileSize = 1 // RLIMIT_FSIZE
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("limit the size of files: %w", errno)
	}
	return nil
}
