// Command juju-sequence takes a backup by the steps a Juju controller takes one: a plain tar of the
// host's files, mongodump --oplog into a staging directory, and then everything of it once more
// through archive/tar and compress/gzip, with the SHA-1 of the archive in the same pass. It is a peer
// of the benchmarks, written from a description of that sequence.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stripped are the databases that Juju removes from the dump again.
var stripped = []string{"admin", "backups"}

type report struct {
	Size        int64   `json:"size"`
	Checksum    string  `json:"checksum"`
	DumpSeconds float64 `json:"dumpSeconds"`
	PackSeconds float64 `json:"packSeconds"`
}

func main() {
	staging := flag.String("staging", "", "directory for what is packed; removed in the end")
	out := flag.String("out", "", "the archive")
	root := flag.String("root", "/", "what names in root.tar are relative to")
	files := flag.String("files", "", "paths for root.tar, a comma between them")
	flag.Parse()
	done, err := run(*staging, *out, *root, strings.Split(*files, ","), flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
		os.Exit(1)
	}
}

// run takes the backup; dump is mongodump with all its arguments but --out.
func run(staging, out, root string, files, dump []string) (report, error) {
	defer os.RemoveAll(staging)
	content := filepath.Join(staging, "juju-backup")
	dumpDir := filepath.Join(content, "dump")
	if err := os.MkdirAll(dumpDir, 0o700); err != nil {
		return report{}, err
	}
	metadata := fmt.Sprintf("{\"ID\":\"\",\"FormatVersion\":1,\"Started\":%q}\n", time.Now().UTC().Format(time.RFC3339Nano))
	if err := os.WriteFile(filepath.Join(content, "metadata.json"), []byte(metadata), 0o600); err != nil {
		return report{}, err
	}
	if err := writeBundle(filepath.Join(content, "root.tar"), root, files); err != nil {
		return report{}, err
	}
	began := time.Now()
	command := exec.Command(dump[0], append(dump[1:], "--out", dumpDir)...)
	if said, err := command.CombinedOutput(); err != nil {
		return report{}, fmt.Errorf("mongodump: %w: %s", err, said)
	}
	for _, name := range stripped {
		if err := os.RemoveAll(filepath.Join(dumpDir, name)); err != nil {
			return report{}, err
		}
	}
	dumped := time.Now()
	size, checksum, err := writeArchive(out, staging, content)
	return report{size, checksum, dumped.Sub(began).Seconds(), time.Since(dumped).Seconds()}, err
}

func writeBundle(out, root string, files []string) error {
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := tar.NewWriter(file)
	for _, path := range files {
		if err := addTree(writer, root, path); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return file.Close()
}

func writeArchive(out, strip, content string) (int64, string, error) {
	file, err := os.Create(out)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	hash := sha1.New()
	zipped := gzip.NewWriter(io.MultiWriter(file, hash))
	writer := tar.NewWriter(zipped)
	if err := addTree(writer, strip, content); err != nil {
		return 0, "", err
	}
	if err := writer.Close(); err != nil {
		return 0, "", err
	}
	if err := zipped.Close(); err != nil {
		return 0, "", err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, "", err
	}
	return info.Size(), base64.StdEncoding.EncodeToString(hash.Sum(nil)), file.Close()
}

// addTree adds a path and everything below it; sockets and the like are passed over.
func addTree(writer *tar.Writer, strip, path string) error {
	return filepath.Walk(path, func(name string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		target := ""
		if info.Mode()&os.ModeSymlink != 0 {
			if target, err = os.Readlink(name); err != nil {
				return err
			}
		} else if !info.Mode().IsRegular() && !info.IsDir() {
			return nil
		}
		header, err := tar.FileInfoHeader(info, target)
		if err != nil {
			return err
		}
		header.Name = strings.TrimPrefix(strings.TrimPrefix(name, strip), "/")
		if err := writer.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(writer, file)
		return err
	})
}
