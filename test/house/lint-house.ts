import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const repository = join(__dirname, '../..');

/** What the linter said about a file. */
export interface Finding {
  readonly file: string;
  /** Such as `eslint(no-restricted-imports)`. */
  readonly rule: string;
  readonly text: string;
}

const report = z.object({
  diagnostics: z.array(
    z.object({
      filename: z.string(),
      code: z.string().default(''),
      message: z.string(),
      help: z.string().default(''),
      severity: z.string(),
    }),
  ),
});

/**
 * Lints files as if they stood in this repository: the same configuration, the same type checker's
 * settings, folders of the same names, in a directory of their own that is removed afterwards.
 */
export async function lintHouse(files: ReadonlyMap<string, string>): Promise<readonly Finding[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-house-'));
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', '.gitignore']) {
      await copyFile(join(repository, name), join(directory, name));
    }
    await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'));
    for (const [name, text] of files) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    const { diagnostics } = report.parse(JSON.parse(await oxlint(directory)));
    return diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(({ filename, code, message, help }) => ({
        file: filename,
        rule: code,
        text: `${message} ${help}`,
      }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function oxlint(cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(repository, 'node_modules/oxlint/bin/oxlint'), '--type-aware', '-f', 'json'],
      { cwd, maxBuffer: 64 * 1024 * 1024 },
      // Findings end with status 1: only a report that can't be read is a failure here.
      (error, stdout, stderr) =>
        stdout.startsWith('{') ? resolve(stdout) : reject(error ?? new Error(stderr)),
    );
  });
}
