import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { z } from 'zod';
import { bundleWorkflows, installQuietRuntime } from './temporal';

const root = join(__dirname, '../..');
const histories = join(__dirname, '../histories');

/** Every recorded history of every version, `VERSION/NAME.json`. */
const recorded = readdirSync(histories).flatMap((version) =>
  readdirSync(join(histories, version)).map((name) => `${version}/${name}`),
);

const historySchema = z.object({ events: z.array(z.looseObject({ eventType: z.string() })) });

async function read(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(histories, name), 'utf8'));
}

async function replay(bundle: WorkflowBundleWithSourceMap, name: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: bundle }, await read(name));
}

beforeAll(() => {
  installQuietRuntime();
});

afterAll(async () => {
  await Runtime.instance().shutdown();
});

describe('the workflows of today', () => {
  let bundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    bundle = await bundleWorkflows();
  });

  test.each(recorded)('replay %s', async (name) => {
    await replay(bundle, name);
  });
});

test.each(['backup', 'restore', 'restoreCollections', 'verify', 'verifyAll', 'prune', 'copy'])(
  'a run of %s is recorded in every version',
  (kind) => {
    for (const version of new Set(recorded.map((name) => name.split('/')[0]))) {
      expect(recorded.some((name) => name.startsWith(`${String(version)}/${kind}-`))).toBe(true);
    }
  },
);

test.each(recorded)('%s is short and names neither a machine nor a process', async (name) => {
  const { events } = historySchema.parse(await read(name));
  expect(events.length).toBeGreaterThan(5);
  expect(events.length).toBeLessThan(1_000);
  const identities = [...JSON.stringify(events).matchAll(/"identity":"([^"]*)"/g)].map(
    ([, who]) => who,
  );
  expect(JSON.stringify(events)).not.toContain(root);
  expect(JSON.stringify(events)).not.toContain(hostname());
  for (const who of identities) {
    expect(['client', 'workflow worker', 'host worker', 'history-service', '']).toContain(who);
  }
});

/** The rooms that end in the bundle, copied, with one text of one file changed. */
async function bundleChanged(
  file: string,
  change: (text: string) => string,
): Promise<WorkflowBundleWithSourceMap> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-replay-'));
  try {
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
    for (const room of ['core', 'workflows']) {
      await cp(join(root, room), join(directory, room), { recursive: true });
    }
    const path = join(directory, 'workflows', file);
    const text = await readFile(path, 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error(`nothing in ${file} was changed`);
    await writeFile(path, changed);
    return await bundleWorkflows(join(directory, 'workflows', 'index.ts'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('a change that running operations would not survive is seen:', () => {
  const [version] = readdirSync(histories).toSorted();

  test.each([
    [
      'two steps change places',
      'backup',
      (text: string) => swapped(text, "'bundleFiles'", "'dumpDatabase'"),
    ],
    [
      'a step is gone',
      'backup',
      (text: string) => text.replace(/^ *await host\.run\('verifyStored'[^;]*;\n/m, ''),
    ],
    [
      'two steps change places',
      'restore',
      (text: string) => swapped(text, "'swapFiles'", "'swapDatabase'"),
    ],
    [
      'two steps change places',
      'copy',
      (text: string) => swapped(text, "'copyFiles'", "'verifyCopied'"),
    ],
    [
      'a step has another name',
      'verify',
      (text: string) => text.replace("'verifyBackup'", "'fetchArchive'"),
    ],
  ])('%s in %s', async (_what, kind, change) => {
    const names = await readdir(join(histories, String(version)));
    const name = names.find((file) => new RegExp(`^${kind}-(complete|sound)`).test(file));
    const bundle = await bundleChanged(`${kind}.ts`, change);
    await expect(replay(bundle, `${String(version)}/${String(name)}`)).rejects.toThrow(
      DeterminismViolationError,
    );
  });
});

function swapped(text: string, one: string, other: string): string {
  return text.replaceAll(one, '@@').replaceAll(other, one).replaceAll('@@', other);
}
