import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireBuild, runCommand } from './built-command';
import {
  freePort,
  modelUuid,
  removeDirectories,
  temporaryDirectory,
  writeConfig,
} from './temporary';

/** Packages that take long to load, and that few commands need. */
const heavy = [
  '@temporalio/client',
  '@grpc/grpc-js',
  '@temporalio/worker',
  '@temporalio/core-bridge',
  'mongodb',
  '@aws-sdk/client-s3',
  'tar-stream',
] as const;

const fetchedAt = `20260102-030405.${modelUuid}`;
let directory: string;

beforeAll(async () => {
  requireBuild();
  directory = await temporaryDirectory();
  await writeConfig(directory, await freePort());
});

afterAll(removeDirectories);

/** Runs a command, with no Temporal server about, and tells which of the heavy packages it loaded. */
async function loadedBy(args: readonly string[]): Promise<readonly string[]> {
  const notes = join(directory, 'packages');
  await runCommand(args, {
    cwd: directory,
    variables: {
      NODE_OPTIONS: `--require=${join(__dirname, 'note-loaded-packages.cjs')}`,
      TEST_PACKAGE_NOTES: notes,
    },
  });
  const loaded = (await readFile(notes, 'utf8')).split('\n');
  // Every command line is understood by it: without, nothing was noted.
  expect(loaded).toContain('commander');
  return heavy.filter((name) => loaded.includes(name));
}

describe('a command loads what it needs and no more:', () => {
  it.each([
    ['help', ['--help'], []],
    ['the version', ['--version'], []],
    ['the check of the configuration', ['config', 'check'], []],
    ['a listing of a directory', ['list'], []],
    ['what is known of a backup', ['info', fetchedAt], []],
    ['a backup', ['create'], ['@temporalio/client', '@grpc/grpc-js']],
    ['the operations that run', ['jobs'], ['@temporalio/client', '@grpc/grpc-js']],
  ])('%s', async (_what, args, expected) => {
    expect(await loadedBy(args)).toEqual(expected);
  });
});
