import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inventoryFiles, type FileRecord } from '../../controller/inventory-files';
import { stageFiles, type EntryToStage } from '../../controller/stage-files';
import {
  removeOldFiles,
  removeStagedFiles,
  rollbackFiles,
  swapFiles,
} from '../../controller/swap-files';
import { planSwap } from '../../controller/swap-list';
import { compiled } from '../examples/compiled';
import { archivedTree, entriesOf, liveTree, plant, type Planted } from './host-tree';
import { containing, failure, inDirectory } from './temporary';

const dataDir = '/var/lib/juju';

/** Everything below the root; times of directories that only hold swapped paths are left out. */
async function state(root: string): Promise<readonly FileRecord[]> {
  const records = await inventoryFiles(root, ['var', 'home']);
  const parents =
    /^(var|var\/lib|var\/lib\/juju|var\/lib\/juju\/agents|home.*\/\.ssh|home\/ubuntu|home)$/;
  return records.map((record) => (parents.test(record.path) ? { ...record, mtime: 0 } : record));
}

async function world(directory: string) {
  const root = join(directory, 'root');
  const list = join(directory, 'swap.json');
  await plant(root, liveTree);
  const plan = () =>
    planSwap(list, { run: 'run-1', root, dataDir, entries: archivedTree.map(place) });
  return { root, list, plan, before: await state(root) };
}

function place(item: Planted): Pick<EntryToStage, 'path' | 'type'> {
  const type = 'link' in item ? 'symlink' : 'directory' in item ? 'directory' : 'file';
  return { path: item.path, type };
}

/** What the swapped paths look like where the archive was simply unpacked. */
async function expectedAfter(directory: string, root: string): Promise<readonly FileRecord[]> {
  const other = join(directory, 'other');
  await plant(other, archivedTree);
  const records = await inventoryFiles(other, swapped);
  return records.map((record) =>
    record.link === undefined ? record : { ...record, link: record.link.replace(other, root) },
  );
}

const swapped = [
  'home/ubuntu/.ssh/authorized_keys',
  'var/lib/juju/agents/machine-0',
  'var/lib/juju/nonce.txt',
  'var/lib/juju/server.pem',
  'var/lib/juju/tools',
];

describe('swapping files', () => {
  test('puts the archive in place, and the rollback gives back the exact state before', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      await plan();
      expect(await stageFiles(list, entriesOf(archivedTree))).toMatchObject({
        files: 7,
        bytes: 52,
      });
      expect(await inventoryFiles(root, swapped)).toEqual(
        before.filter(({ path }) => swapped.some((top) => `${path}/`.startsWith(`${top}/`))),
      );
      await swapFiles(list);
      const after = await expectedAfter(directory, root);
      expect(await inventoryFiles(root, swapped)).toEqual(after);
      await swapFiles(list);
      expect(await inventoryFiles(root, swapped)).toEqual(after);
      await rollbackFiles(list);
      await rollbackFiles(list);
      await removeStagedFiles(list);
      await removeStagedFiles(list);
      await rollbackFiles(list);
      expect(await state(root)).toEqual(before);
    });
  });

  test('leaves nothing but the restored files once the old ones are removed', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan } = await world(directory);
      await plan();
      await stageFiles(list, entriesOf(archivedTree));
      expect(await failure(removeOldFiles(list))).toMatchObject({ code: 'HF-FILES-001' });
      await swapFiles(list);
      await removeStagedFiles(list);
      await removeOldFiles(list);
      await removeOldFiles(list);
      const records = await state(root);
      expect(records.filter(({ path }) => path.includes('.hf-'))).toEqual([]);
      expect(records.find(({ path }) => path.endsWith('unit-mysql-0/agent.conf'))).toBeDefined();
      expect(await readFile(join(root, 'var/lib/juju/db/WiredTiger'), 'utf8')).toBe(
        'never touched',
      );
      expect(await failure(rollbackFiles(list))).toMatchObject({
        code: 'HF-FILES-001',
        message: containing('the files from before the restore are removed'),
      });
    });
  });

  test('is refused before everything is staged, and staging once more after a swap', async () => {
    await inDirectory(async (directory) => {
      const { list, plan } = await world(directory);
      await plan();
      expect(await failure(swapFiles(list))).toMatchObject({ code: 'HF-FILES-001' });
      await stageFiles(list, entriesOf(archivedTree));
      await swapFiles(list);
      expect(await failure(stageFiles(list, entriesOf(archivedTree)))).toMatchObject({
        code: 'HF-FILES-001',
      });
    });
  });

  test('killed before any of its steps, it goes on or goes back to the same state', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      const after = await expectedAfter(directory, root);
      let step = 0;
      for (let killed = true; killed; step += 1) {
        await plan();
        await stageFiles(list, entriesOf(archivedTree));
        killed = runKilled('swapFiles', list, step);
        const stopped = join(directory, 'stopped');
        await cp(root, join(stopped, 'root'), { recursive: true, verbatimSymlinks: true });
        await cp(list, join(stopped, 'swap.json'));
        await rollbackFiles(list);
        await removeStagedFiles(list);
        expect([step, await state(root)]).toEqual([step, before]);
        await rm(list);

        // The other way out of the same moment, in a copy whose list says where it lies.
        const copiedRoot = join(stopped, 'root');
        const copiedList = join(stopped, 'swap.json');
        await writeFile(
          copiedList,
          (await readFile(copiedList, 'utf8')).replaceAll(root, copiedRoot),
        );
        await swapFiles(copiedList);
        const records = await inventoryFiles(copiedRoot, swapped);
        const content = ({ path, sha256, mode, link }: FileRecord) => ({
          path,
          sha256,
          mode,
          link,
        });
        expect([step, records.map(content)]).toEqual([step, after.map(content)]);
        await rm(stopped, { recursive: true });
      }
      expect(step).toBeGreaterThan(10);
    });
  });

  test('killed while it stages, it leaves nothing, or starts over', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      const after = await expectedAfter(directory, root);
      for (let step = 0, killed = true; killed; step += 2) {
        await plan();
        killed = runKilled('stageFiles', list, step);
        if (step % 4 === 0) await stageFiles(list, entriesOf(archivedTree));
        if (step % 4 === 0) await swapFiles(list);
        if (step % 4 === 0) expect(await inventoryFiles(root, swapped)).toEqual(after);
        await rollbackFiles(list);
        await removeStagedFiles(list);
        expect([step, await state(root)]).toEqual([step, before]);
        await rm(list);
      }
    });
  });

  test('a rollback killed before any of its steps goes on', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      for (let step = 0, killed = true; killed; step += 1) {
        await plan();
        await stageFiles(list, entriesOf(archivedTree));
        await swapFiles(list);
        killed = runKilled('rollbackFiles', list, step);
        await rollbackFiles(list);
        await removeStagedFiles(list);
        expect([step, await state(root)]).toEqual([step, before]);
        await rm(list);
      }
    });
  });

  test('stops at a path that somebody made anew in the middle', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      await plan();
      await stageFiles(list, entriesOf(archivedTree));
      expect(runKilled('swapFiles', list, 1)).toBe(true);
      const foreign = join(root, 'home/ubuntu/.ssh/authorized_keys');
      await writeFile(foreign, 'somebody else');
      expect(await failure(swapFiles(list))).toMatchObject({
        code: 'HF-FILES-001',
        message: `${foreign} cannot be swapped: somebody made it anew during the swap`,
      });
      await rm(foreign);
      await swapFiles(list);
      await rollbackFiles(list);
      await removeStagedFiles(list);
      expect(await state(root)).toEqual(before);
    });
  });
});

/** Runs a step in a process of its own that kills itself before its `step`-th change to the disk. */
function runKilled(
  name: 'stageFiles' | 'swapFiles' | 'rollbackFiles',
  list: string,
  step: number,
): boolean {
  const file = name === 'stageFiles' ? 'stage-files' : 'swap-files';
  const entries = archivedTree.flatMap((item) =>
    entriesOf([item]).map((entry) => ({ ...entry, text: 'text' in item ? item.text : '' })),
  );
  const program = `
    const fs = require('node:fs/promises');
    let left = ${step};
    for (const name of ['rename', 'rm', 'rmdir', 'mkdir', 'symlink', 'lchown', 'chmod']) {
      const real = fs[name];
      fs[name] = (...args) => {
        if (left-- <= 0) process.kill(process.pid, 'SIGKILL');
        return real(...args);
      };
    }
    const files = require(${JSON.stringify(compiled(`controller/${file}.js`))});
    const entries = ${JSON.stringify(entries)};
    for (const entry of entries) {
      entry.read = async function* () { yield Buffer.from(entry.text); };
    }
    files[${JSON.stringify(name)}](${JSON.stringify(list)}, entries).catch((error) => {
      console.error(error);
      process.exit(1);
    });
  `;
  const { signal, status, stderr } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
  });
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(stderr);
  return signal === 'SIGKILL';
}

describe('staging files', () => {
  const base = 'var/lib/juju';
  const hostile: readonly (readonly [string, readonly Planted[]])[] = [
    [
      'a name twice',
      [
        { path: `${base}/a`, text: '1' },
        { path: `${base}/a`, text: '2' },
      ],
    ],
    [
      'a directory twice',
      [
        { path: `${base}/tools`, directory: true },
        { path: `${base}/tools`, directory: true },
      ],
    ],
    [
      'a file through a link',
      [
        { path: `${base}/tools/x`, link: '/etc' },
        { path: `${base}/tools/x/passwd`, text: '' },
      ],
    ],
    [
      'a file through a file',
      [
        { path: `${base}/tools/x`, text: '' },
        { path: `${base}/tools/x/y`, text: '' },
      ],
    ],
    [
      'a directory in place of a link',
      [
        { path: `${base}/tools/x`, link: 'y' },
        { path: `${base}/tools/x`, directory: true },
      ],
    ],
    ['a link that leaves the root', [{ path: `${base}/tools/x`, link: '../../../../../etc' }]],
    ['an empty link', [{ path: `${base}/tools/x`, link: '' }]],
    ['a path upwards', [{ path: `${base}/tools/../../../../x`, text: '' }]],
    ['an absolute path', [{ path: '/etc/passwd', text: '' }]],
    ['the database', [{ path: `${base}/db/x`, text: '' }]],
    ['a name the plan lacks', [{ path: `${base}/unplanned`, text: '' }]],
  ];

  test.each(hostile)('refuses %s and touches nothing outside the stage', async (_, tree) => {
    await inDirectory(async (directory) => {
      const root = join(directory, 'root');
      const list = join(directory, 'swap.json');
      await plant(root, liveTree);
      const before = await state(root);
      const entries = [`${base}/a`, `${base}/tools/x`].map(
        (path) => ({ path, type: 'file' }) as const,
      );
      await planSwap(list, { run: 'r', root, dataDir, entries });
      expect(await failure(stageFiles(list, entriesOf(tree)))).toMatchObject({
        code: 'HF-FILES-001',
      });
      await removeStagedFiles(list);
      expect(await state(root)).toEqual(before);
    });
  });

  test('refuses a parent whose realpath leaves the root', async () => {
    await inDirectory(async (directory) => {
      const root = join(directory, 'root');
      const list = join(directory, 'swap.json');
      await mkdir(join(directory, 'outside'));
      await mkdir(join(root, 'home'), { recursive: true });
      await symlink(join(directory, 'outside'), join(root, 'home/ubuntu'));
      const tree = [{ path: 'home/ubuntu/.ssh/authorized_keys', text: 'x' }];
      await planSwap(list, { run: 'r', root, dataDir, entries: tree.map(place) });
      expect(await failure(stageFiles(list, entriesOf(tree)))).toMatchObject({
        code: 'HF-FILES-001',
        message: containing('outside'),
      });
      expect(await inventoryFiles(directory, ['outside'])).toHaveLength(1);
    });
  });

  test('follows a link to another volume inside the root', async () => {
    await inDirectory(async (directory) => {
      const root = join(directory, 'root');
      const list = join(directory, 'swap.json');
      await mkdir(join(root, 'srv/juju'), { recursive: true });
      await mkdir(join(root, 'var/lib'), { recursive: true });
      await symlink('../../srv/juju', join(root, 'var/lib/juju'));
      const tree = [{ path: `${base}/nonce.txt`, text: 'x' }];
      await planSwap(list, { run: 'r', root, dataDir, entries: tree.map(place) });
      await stageFiles(list, entriesOf(tree));
      await swapFiles(list);
      expect(await readFile(join(root, 'srv/juju/nonce.txt'), 'utf8')).toBe('x');
    });
  });

  test('drops setuid, setgid and sticky bits and says where', async () => {
    await inDirectory(async (directory) => {
      const root = join(directory, 'root');
      const list = join(directory, 'swap.json');
      await plant(root, liveTree);
      const tree = [{ path: `${base}/tools/x`, text: 'x', mode: 0o6755 }];
      await planSwap(list, { run: 'r', root, dataDir, entries: tree.map(place) });
      expect(await stageFiles(list, entriesOf(tree))).toMatchObject({
        stripped: [`${base}/tools/x`],
      });
      await swapFiles(list);
      const [record] = await inventoryFiles(root, [`${base}/tools/x`]);
      expect(record?.mode.toString(8)).toBe('755');
    });
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('gives files, links and directories their owner', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan } = await world(directory);
      await plan();
      await stageFiles(list, entriesOf(archivedTree, { uid: 1234, gid: 4321 }));
      await swapFiles(list);
      const owners = (await inventoryFiles(root, swapped)).map(({ uid, gid }) => `${uid}:${gid}`);
      expect(new Set(owners)).toEqual(new Set(['1234:4321']));
    });
  });

  test('stops when it is aborted, and starts over cleanly', async () => {
    await inDirectory(async (directory) => {
      const { root, list, plan, before } = await world(directory);
      await plan();
      const abort = new AbortController();
      async function* entries() {
        for (const [index, entry] of entriesOf(archivedTree).entries()) {
          if (index === 4) abort.abort();
          yield entry;
        }
      }
      expect(await failure(stageFiles(list, entries(), abort.signal))).toMatchObject({
        name: 'AbortError',
      });
      await stageFiles(list, entriesOf(archivedTree));
      await removeStagedFiles(list);
      expect(await state(root)).toEqual(before);
    });
  });
});
