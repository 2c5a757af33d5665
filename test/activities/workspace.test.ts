import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readCheckpoint, writeCheckpoint } from '../../activities/workspace/checkpoint';
import { claimEpoch } from '../../activities/workspace/epoch';
import {
  advanceJournal,
  closeJournal,
  openJournal,
  readJournal,
  requireJournal,
  type Journal,
} from '../../activities/workspace/journal';
import { StepResult } from '../../activities/workspace/step-result';
import { Workspace } from '../../activities/workspace/workspace';
import { HoldfastError } from '../../core/errors';
import { ref } from '../workflows/samples';
import { inDirectory } from './temporary';

const state = z.object({ from: z.number() });

function journal(runId: string): Journal {
  return {
    v: 1,
    ref: ref('backup', { workflowId: 'holdfast/it', runId }, 'the-backup'),
    state: 'open',
    since: 1_700_000_000_000,
    temporal: '127.0.0.1:7233',
  };
}

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe('an epoch', () => {
  test('has been overtaken when the directory of its run is gone', async () => {
    await inDirectory(async (directory) => {
      const run = join(directory, 'run');
      await mkdir(run);
      const epoch = await claimEpoch(run, 'services');
      await epoch.check();
      await rm(run, { recursive: true });
      await expect(epoch.check()).rejects.toMatchObject({ code: 'HF-FENCE-001' });
    });
  });

  test('belongs to one attempt, also when twenty ask at once', async () => {
    await inDirectory(async (directory) => {
      const claims = await Promise.all(
        Array.from({ length: 20 }, () => claimEpoch(directory, 'dump')),
      );
      const numbers = claims.map(({ number }) => number).toSorted((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(new Set(claims.map((epoch) => epoch.own('seg'))).size).toBe(20);
    });
  });

  test('that was overtaken is noticed, also by its checkpoints', async () => {
    await inDirectory(async (directory) => {
      const first = await claimEpoch(directory, 'dump');
      await writeCheckpoint(first, { from: 1 });
      await expect(first.check()).resolves.toBeUndefined();
      const second = await claimEpoch(directory, 'dump');
      await expect(first.check()).rejects.toMatchObject({
        code: 'HF-FENCE-001',
        message: 'attempt 1 of dump was overtaken by attempt 2 and stopped',
        retryable: true,
      });
      await expect(writeCheckpoint(first, { from: 99 })).rejects.toMatchObject({
        code: 'HF-FENCE-001',
      });
      await expect(second.check()).resolves.toBeUndefined();
      expect(await readCheckpoint(second, state)).toEqual({ from: 1 });
    });
  });

  test('of one step is not that of another', async () => {
    await inDirectory(async (directory) => {
      const dump = await claimEpoch(directory, 'dump');
      const load = await claimEpoch(directory, 'load');
      expect([dump.number, load.number]).toEqual([1, 1]);
      await expect(dump.check()).resolves.toBeUndefined();
    });
  });
});

describe('a checkpoint', () => {
  test('is read by newer attempts, the newest first, and never by an older one', async () => {
    await inDirectory(async (directory) => {
      const [first, second] = [
        await claimEpoch(directory, 'dump'),
        await claimEpoch(directory, 'dump'),
      ];
      await writeCheckpoint(second, { from: 2 });
      expect(await readCheckpoint(first, state)).toBeUndefined();
      expect(await readCheckpoint(second, state)).toBeUndefined();
      const third = await claimEpoch(directory, 'dump');
      expect(await readCheckpoint(third, state)).toEqual({ from: 2 });
      await writeCheckpoint(third, { from: 3 });
      expect(await readCheckpoint(await claimEpoch(directory, 'dump'), state)).toEqual({ from: 3 });
      expect(await readCheckpoint(second, state)).toBeUndefined();
    });
  });

  test('of an attempt that wrote none is that of the one before', async () => {
    await inDirectory(async (directory) => {
      for (let attempt = 1; attempt <= 11; attempt += 1) {
        const epoch = await claimEpoch(directory, 'dump');
        if (attempt === 2 || attempt === 10) await writeCheckpoint(epoch, { from: attempt });
      }
      // Told apart as numbers: as text 2 would come after 10.
      expect(await readCheckpoint(await claimEpoch(directory, 'dump'), state)).toEqual({
        from: 10,
      });
    });
  });

  test('that is cut off leaves the one before it whole', async () => {
    await inDirectory(async (directory) => {
      const epoch = await claimEpoch(directory, 'dump');
      await writeCheckpoint(epoch, { from: 1 });
      await writeFile(join(epoch.directory, '.checkpoint-1.json.cut-off'), '{"fro');
      expect(await readCheckpoint(await claimEpoch(directory, 'dump'), state)).toEqual({ from: 1 });
    });
  });
});

describe('the journal', () => {
  test('goes forward only: an attempt that wakes late cannot say that there is a way back', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(directory);
      const mine = journal('mine');
      await openJournal(workspace, mine);
      for (const to of ['past-no-return', 'past-no-return', 'finishing'] as const) {
        await advanceJournal(workspace, mine.ref, to);
      }
      await expect(advanceJournal(workspace, mine.ref, 'past-no-return')).rejects.toMatchObject({
        code: 'HF-LOCK-002',
      });
      await advanceJournal(workspace, mine.ref, 'finishing');
      expect((await readJournal(workspace))?.state).toBe('finishing');
    });
  });

  test('of two runs is opened by exactly one, which may ask again', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      await workspace.ensure();
      const runs = Array.from({ length: 10 }, (_, index) => `run-${index}`);
      const opened = await Promise.all(runs.map((run) => openJournal(workspace, journal(run))));
      expect(opened.filter(Boolean)).toHaveLength(1);
      const winner = runs[opened.indexOf(true)] ?? '';
      expect(await readJournal(workspace)).toEqual(journal(winner));
      expect(await openJournal(workspace, journal(winner))).toBe(true);
      expect((await readdir(workspace.path)).toSorted()).toEqual(['operation.json', 'runs']);
    });
  });

  test('is never there empty or cut off, whenever its writer dies', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      await workspace.ensure();
      // What a writer that died at each of its moments leaves: a part, then the whole, aside.
      await writeFile(join(workspace.path, '.operation.json.run-1.part'), '{"v":1,"re');
      expect(await readJournal(workspace)).toBeUndefined();
      await writeFile(`${workspace.journalPath}.run-1`, JSON.stringify(journal('run-1')));
      expect(await readJournal(workspace)).toBeUndefined();
      expect(await openJournal(workspace, journal('run-1'))).toBe(true);
      expect(await readJournal(workspace)).toEqual(journal('run-1'));
    });
  });

  test('of another run is neither closed nor advanced nor taken for one of this run', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      await workspace.ensure();
      await openJournal(workspace, journal('mine'));
      const before = await readFile(workspace.journalPath, 'utf8');
      await closeJournal(workspace, 'other');
      const { ref: other } = journal('other');
      for (const refused of [
        requireJournal(workspace, other),
        advanceJournal(workspace, other, 'past-no-return'),
      ]) {
        await expect(refused).rejects.toMatchObject({
          code: 'HF-LOCK-002',
          message: expect.stringContaining('run mine, still running'),
        });
      }
      expect(await readFile(workspace.journalPath, 'utf8')).toBe(before);
    });
  });

  test('advances, says so, and is gone when its run closes it, however often', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      await workspace.ensure();
      const mine = journal('mine');
      await openJournal(workspace, mine);
      await advanceJournal(workspace, mine.ref, 'past-no-return');
      expect(await requireJournal(workspace, mine.ref)).toEqual({
        ...mine,
        state: 'past-no-return',
      });
      await expect(requireJournal(workspace, journal('late').ref)).rejects.toMatchObject({
        message: expect.stringContaining('past its point of no return'),
      });
      await closeJournal(workspace, 'mine');
      await closeJournal(workspace, 'mine');
      expect(await readJournal(workspace)).toBeUndefined();
      await expect(requireJournal(workspace, mine.ref)).rejects.toMatchObject({
        code: 'HF-RESTORE-002',
      });
    });
  });
});

describe('when a run is over and its directory gone', () => {
  test('a step that wakes late claims nothing, leaves no result, and does not make it again', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      const run = await workspace.ensureRun('run-1');
      expect(await workspace.requireRun('run-1')).toBe(run);
      await workspace.removeRun('run-1');
      const result = new StepResult('inspect', state);
      for (const late of [
        () => workspace.requireRun('run-1'),
        () => claimEpoch(run, 'fetch'),
        () => result.write(run, { from: 1 }),
      ]) {
        await expect(late()).rejects.toMatchObject({
          code: 'HF-WORKSPACE-001',
          message: expect.stringContaining('it is gone: its run is over'),
        });
      }
      expect(await workspace.runs()).toEqual([]);
    });
  });
});

describe('the first step of a run', () => {
  const over = new HoldfastError('HF-FENCE-001', { mine: 1, newer: 2, step: 'fetchArchive' });

  test('that wakes when its run is over takes back the directory it made', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      const late = workspace.ensureWantedRun('run-1', async () => {
        expect(await workspace.runs()).toEqual(['run-1']);
        throw over;
      });
      await expect(late).rejects.toBe(over);
      expect(await workspace.runs()).toEqual([]);
    });
  });

  test('that was overtaken leaves what the newer attempt wrote', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      const run = await workspace.ensureWantedRun('run-1', () => Promise.resolve());
      await claimEpoch(run, 'fetch');
      const late = workspace.ensureWantedRun('run-1', () => Promise.reject(over));
      await expect(late).rejects.toBe(over);
      expect(await readdir(run)).toEqual(['fetch']);
    });
  });
});

describe('the workspace', () => {
  test('is readable by its owner only, with everything in it', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      const run = await workspace.ensureRun('run-1');
      const epoch = await claimEpoch(run, 'dump');
      await writeCheckpoint(epoch, { from: 1 });
      await openJournal(workspace, journal('run-1'));
      for (const path of [workspace.path, join(workspace.path, 'runs'), run, epoch.directory]) {
        expect({ path, mode: await mode(path) }).toEqual({ path, mode: 0o700 });
      }
      const files = [workspace.journalPath, epoch.own('epoch'), epoch.own('checkpoint', '.json')];
      for (const path of files) {
        expect({ path, mode: await mode(path) }).toEqual({ path, mode: 0o600 });
      }
    });
  });

  test.each([0o755, 0o750, 0o701, 0o770])('of mode %o is refused', async (loose) => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'workspace');
      await mkdir(path);
      await chmod(path, loose);
      await expect(new Workspace(path).ensure()).rejects.toMatchObject({
        code: 'HF-WORKSPACE-001',
        message: expect.stringContaining(`its mode is ${loose.toString(8)}`),
      });
    });
  });

  test('that is a file, or a link to a directory, is refused', async () => {
    await inDirectory(async (directory) => {
      const file = join(directory, 'file');
      await writeFile(file, '');
      await expect(new Workspace(file).ensure()).rejects.toMatchObject({
        code: 'HF-WORKSPACE-001',
      });
      await mkdir(join(directory, 'target'), { mode: 0o700 });
      const link = join(directory, 'link');
      await symlink(join(directory, 'target'), link);
      await expect(new Workspace(link).ensure()).rejects.toMatchObject({
        code: 'HF-WORKSPACE-001',
        message: expect.stringContaining('it is not a directory'),
      });
    });
  });

  test('forgets a run, however often, and keeps the others', async () => {
    await inDirectory(async (directory) => {
      const workspace = new Workspace(join(directory, 'workspace'));
      expect(await workspace.runs()).toEqual([]);
      for (const run of ['run-1', 'run-2']) await workspace.ensureRun(run);
      await workspace.removeRun('run-1');
      await workspace.removeRun('run-1');
      expect(await workspace.runs()).toEqual(['run-2']);
    });
  });
});

describe('the result of a step', () => {
  const counted = new StepResult('count', z.object({ files: z.number() }));

  it('is found by the next attempt, and carries v: 1', async () => {
    await inDirectory(async (directory) => {
      expect(await counted.find(directory)).toBeUndefined();
      await counted.write(directory, { files: 3 });
      expect(await counted.read(directory)).toEqual({ files: 3 });
      const text = await readFile(counted.path(directory), 'utf8');
      expect(JSON.parse(text)).toEqual({ v: 1, files: 3 });
    });
  });

  it.each([{ files: 3 }, { v: 2, files: 3 }])(
    'is refused with another number: %j',
    async (content) => {
      await inDirectory(async (directory) => {
        await counted.write(directory, { files: 0 });
        await writeFile(counted.path(directory), JSON.stringify(content));
        await expect(counted.find(directory)).rejects.toThrow('"v"');
      });
    },
  );
});
