import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { list } from 'tar';
import { z } from 'zod';

const run = promisify(execFile);

/** An entry as some tar reader sees it. */
export interface SeenEntry {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
  readonly sha256: string;
  readonly link: string;
}

const none = createHash('sha256').digest('hex');

/** Lists a tar file, gzip'ed or not, in a directory of its own. */
export type TarReader = (file: string, scratch: string) => Promise<SeenEntry[]>;

async function extracted(root: string, path: string, seen: SeenEntry[]): Promise<void> {
  for (const name of (await readdir(join(root, path))).sort()) {
    const inside = path === '' ? name : `${path}/${name}`;
    const at = join(root, inside);
    const stat = await lstat(at);
    const known = {
      path: inside,
      mode: stat.mode & 0o7777,
      mtime: Math.floor(stat.mtimeMs / 1000),
    };
    if (stat.isSymbolicLink()) {
      const link = await readlink(at);
      seen.push({ ...known, type: 'symlink', size: 0, sha256: none, link });
    } else if (stat.isDirectory()) {
      seen.push({ ...known, type: 'directory', size: 0, sha256: none, link: '' });
      await extracted(root, inside, seen);
    } else {
      const content = await readFile(at);
      const sha256 = createHash('sha256').update(content).digest('hex');
      seen.push({ ...known, type: 'file', size: content.length, sha256, link: '' });
    }
  }
}

/** GNU tar: what lies on disk after `tar -x`. */
export const gnuTar: TarReader = async (file, scratch) => {
  const into = join(scratch, 'gnu');
  await mkdir(into);
  const { stderr } = await run('tar', [
    '--extract',
    '--preserve-permissions',
    '-f',
    file,
    '-C',
    into,
  ]);
  if (stderr !== '') throw new Error(`tar complained: ${stderr}`);
  const seen: SeenEntry[] = [];
  await extracted(into, '', seen);
  return seen;
};

/** npm's tar, in its strict mode. */
export const npmTar: TarReader = async (file) => {
  const seen: SeenEntry[] = [];
  const pending: Promise<void>[] = [];
  await list({
    file,
    strict: true,
    onReadEntry: (entry) => {
      const hash = createHash('sha256');
      entry.on('data', (chunk) => hash.update(chunk));
      const { path, mode = 0, mtime, size, linkpath = '' } = entry;
      const type = entry.type === 'SymbolicLink' ? 'symlink' : entry.type.toLowerCase();
      pending.push(
        new Promise((resolve) => {
          entry.on('end', () => {
            const seconds = Math.floor((mtime?.getTime() ?? 0) / 1000);
            const sha256 = hash.digest('hex');
            const name = path.replace(/\/$/, '');
            seen.push({ path: name, type, mode, mtime: seconds, size, sha256, link: linkpath });
            resolve();
          });
        }),
      );
    },
  });
  await Promise.all(pending);
  return seen;
};

const seenSchema = z.object({
  path: z.string(),
  type: z.string(),
  mode: z.number(),
  mtime: z.number(),
  size: z.number(),
  sha256: z.string(),
  link: z.string(),
});

function parsed(stdout: string): SeenEntry[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => seenSchema.parse(JSON.parse(line)));
}

const pythonReader = `
import hashlib, json, sys, tarfile
t = tarfile.open(sys.argv[1], 'r:gz' if sys.argv[1].endswith('.gz') else 'r:')
for e in t:
    kind = 'symlink' if e.issym() else 'directory' if e.isdir() else 'file' if e.isreg() else '?'
    body = t.extractfile(e).read() if e.isreg() else b''
    print(json.dumps(dict(path=e.name, type=kind, mode=e.mode, mtime=int(e.mtime), size=e.size,
        sha256=hashlib.sha256(body).hexdigest(), link=e.linkname)))
`;

/** Python's tarfile, `r:gz` or `r:`. */
export const pythonTar: TarReader = async (file) => {
  const { stdout } = await run('python3', ['-c', pythonReader, file]);
  return parsed(stdout);
};

const goReader = `package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	f, err := os.Open(os.Args[1])
	check(err)
	var r io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(os.Args[1], ".gz") {
		r, err = gzip.NewReader(r)
		check(err)
	}
	kinds := map[byte]string{tar.TypeReg: "file", tar.TypeDir: "directory", tar.TypeSymlink: "symlink"}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err == io.EOF {
			return
		}
		check(err)
		sum := sha256.New()
		_, err = io.Copy(sum, t)
		check(err)
		line, err := json.Marshal(map[string]any{"path": h.Name, "type": kinds[h.Typeflag], "mode": h.Mode,
			"mtime": h.ModTime.Unix(), "size": h.Size, "sha256": fmt.Sprintf("%x", sum.Sum(nil)), "link": h.Linkname})
		check(err)
		fmt.Println(string(line))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`;

/** Go's archive/tar over compress/gzip, which is what Juju itself reads archives with. */
export const goTar: TarReader = async (file, scratch) => {
  const program = join(scratch, 'main.go');
  await writeFile(program, goReader);
  const environment = { ...process.env, GO111MODULE: 'off', GOFLAGS: '' };
  const { stdout } = await run('go', ['run', program, file], { env: environment, cwd: scratch });
  return parsed(stdout);
};

/** Whether a reader's program is there; on CI it must be. Prints why when it isn't. */
export function readerIsThere(program: string, argument: string): boolean {
  const { error } = spawnSync(program, [argument]);
  if (error === undefined || process.env['CI'] === 'true') return true;
  process.stderr.write(`skipped: ${program} cannot be run here (${error.message})\n`);
  return false;
}
