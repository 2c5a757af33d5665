import { randomUUID } from 'node:crypto';
import { controllerWorkflowId } from '../../core/ids';
import { Gate } from './gate';
import {
  failedStep,
  failing,
  failureOfStep,
  HostOfFakes,
  withCode,
  type StepName,
} from './host-of-fakes';
import { archive, backupInput, controller, limits, verifyInput } from './samples';
import { attributesOf, endOf, inPhase, keepHistory, statusOf, TestTemporal } from './temporal';

const steps: readonly StepName[] = [
  'prepareBackup',
  'dumpDatabase',
  'bundleFiles',
  'composeArchive',
  'inspectRope',
  'storeArchive',
  'verifyStored',
  'commitBackup',
  'finishBackup',
];

let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await TestTemporal.start();
});

afterAll(async () => {
  await temporal.stop();
});

describe.each([
  ['with a cache', 50],
  ['replayed at every task', 0],
])('a backup, %s,', (name, cached) => {
  test('takes its steps in order, compensates nothing and reports what it made', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes();
    const handle = await temporal.backup(backupInput(placement));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(host.asked).toEqual(steps);
    expect(report).toMatchObject({
      v: 1,
      kind: 'backup',
      outcome: 'complete',
      storage: 'default',
      archive,
      collections: 3,
      documents: 40,
      oplogEntries: 7,
      files: 5,
    });
    expect(report.backupId).toMatch(new RegExp(`^\\d{8}-\\d{6}\\.${controller}$`));
    expect(await attributesOf(handle)).toEqual({
      HoldfastController: controller,
      HoldfastBackupId: report.backupId,
      HoldfastPhase: 'done',
      HoldfastOutcome: 'complete',
    });
    if (cached > 0) await keepHistory(handle, 'backup-complete');
  });

  test(`that fails is undone once (${name})`, async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes({ storeArchive: failing });
    const handle = await temporal.backup(backupInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
    expect(host.asked.slice(-2)).toEqual(['storeArchive', 'undoBackup']);
    if (cached > 0) await keepHistory(handle, 'backup-failed');
  });

  test('that is cancelled is undone', async () => {
    const placement = await temporal.placement(cached);
    const gate = new Gate();
    const host = new HostOfFakes({
      dumpDatabase: () => gate.pass().then(() => neverReached()),
    });
    const handle = await temporal.backup(backupInput(placement));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      return endOf(handle);
    });
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(host.asked).toEqual(['prepareBackup', 'dumpDatabase', 'undoBackup']);
    if (cached > 0) await keepHistory(handle, 'backup-cancelled');
  });
});

describe('a backup whose step fails', () => {
  test.each(steps.filter((step) => step !== 'finishBackup'))(
    '%s: is undone once, and tells the code of the step',
    async (step) => {
      const placement = await temporal.placement();
      const host = new HostOfFakes({ [step]: failing });
      const handle = await temporal.backup(backupInput(placement));
      const end = await temporal.with(handle, host, () => endOf(handle));
      expect(end).toEqual({ status: 'FAILED', code: failedStep, message: failureOfStep().message });
      expect(host.times('undoBackup')).toBe(1);
      expect(host.asked).toEqual([...steps.slice(0, steps.indexOf(step) + 1), 'undoBackup']);
    },
  );

  test('tells that code also when the undo fails', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      bundleFiles: failing,
      undoBackup: () => Promise.reject(withCode('HF-STORAGE-005')),
    });
    const handle = await temporal.backup(backupInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
    expect(host.times('undoBackup')).toBe(1);
  });

  test('only in clearing the workspace: is complete all the same', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ finishBackup: failing });
    const handle = await temporal.backup(backupInput(placement));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report.outcome).toBe('complete');
    expect(host.times('undoBackup')).toBe(0);
  });

  test('for a while only: is tried again and completes', async () => {
    const placement = await temporal.placement();
    let tries = 0;
    const host = new HostOfFakes({
      inspectRope: () => {
        tries += 1;
        return tries === 1
          ? Promise.reject(withCode('HF-STORAGE-006'))
          : Promise.resolve({ archive, entries: 12 });
      },
    });
    const handle = await temporal.backup(backupInput(placement));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report.outcome).toBe('complete');
    expect(host.times('inspectRope')).toBe(2);
    expect(host.times('undoBackup')).toBe(0);
  });
});

test('a backup that lacks the files of other hosts is told as partial', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes({ commitBackup: () => Promise.resolve({ outcome: 'partial' }) });
  const handle = await temporal.backup(backupInput(placement));
  const report = await temporal.with(handle, host, () => handle.result());
  expect(report.outcome).toBe('partial');
  expect(await attributesOf(handle)).toMatchObject({ HoldfastOutcome: 'partial' });
});

test('a backup tells what could not be done beside it, and is complete', async () => {
  const placement = await temporal.placement();
  const warnings = ['the catalog was not told'];
  const host = new HostOfFakes({
    commitBackup: () => Promise.resolve({ outcome: 'complete', warnings }),
  });
  const handle = await temporal.backup(backupInput(placement));
  const report = await temporal.with(handle, host, () => handle.result());
  expect([report.outcome, report.warnings]).toEqual(['complete', warnings]);
});

describe('a cancel of a backup', () => {
  test('during the commit lets it finish', async () => {
    const placement = await temporal.placement();
    const gate = new Gate();
    const host = new HostOfFakes({
      commitBackup: async () => {
        await gate.pass();
        return { outcome: 'complete' };
      },
    });
    const handle = await temporal.backup(backupInput(placement));
    const report = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      // A workflow task has passed with the cancel in it when a query is answered after it.
      expect((await statusOf(handle)).phase).toBe('committing');
      gate.open();
      return handle.result();
    });
    expect(report.outcome).toBe('complete');
    expect(host.asked).toEqual(steps);
    await keepHistory(handle, 'backup-cancelled-in-commit');
  });

  test('that the last step before the commit did not notice is obeyed', async () => {
    const placement = await temporal.placement();
    const gate = new Gate();
    const host = new HostOfFakes({
      verifyStored: async () => {
        await gate.passUnmoved();
        return { verified: archive.size };
      },
    });
    const handle = await temporal.backup(backupInput(placement));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      expect((await statusOf(handle)).phase).toBe('verifying');
      gate.open();
      return endOf(handle);
    });
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(host.asked.slice(-2)).toEqual(['verifyStored', 'undoBackup']);
  });

  test('while nothing has begun leaves nothing to be done twice', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes();
    const handle = await temporal.backup(backupInput(placement));
    await handle.cancel();
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(host.asked.filter((step) => step !== 'undoBackup')).toEqual([]);
  });
});

describe('a host that is away', () => {
  test('is waited for, says so, and the backup goes on when its worker comes', async () => {
    const placement = await temporal.placementAway();
    const host = new HostOfFakes();
    const input = backupInput(placement, { limits: { ...limits, hostNotice: 200 } });
    const handle = await temporal.backup(input);
    expect((await inPhase(handle, 'waiting-for-host')).pastNoReturn).toBe(false);
    expect(await attributesOf(handle)).toMatchObject({ HoldfastPhase: 'waiting-for-host' });
    const report = await temporal.withHost(placement, host, () => handle.result());
    expect(report.outcome).toBe('complete');
    expect(host.asked).toEqual(steps);
    await keepHistory(handle, 'backup-host-away');
  });

  test('for longer than the limit makes the backup give up', async () => {
    const placement = await temporal.placementAway();
    const input = backupInput(placement, {
      limits: { ...limits, hostNotice: 200, hostWait: 1_000 },
    });
    const handle = await temporal.backup(input);
    const end = await endOf(handle);
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-BACKUP-005' });
    expect(end.message).toContain(`${placement.host} did not come back within 1s; the backup`);
  });

  test('for long is asked for less and less often, so that the history stays short', async () => {
    const placement = await temporal.placementAway();
    const input = backupInput(placement, {
      limits: { ...limits, hostNotice: 20, hostWait: 2_000 },
    });
    const handle = await temporal.backup(input);
    await endOf(handle);
    const { events } = await handle.fetchHistory();
    const scheduled = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes);
    // 20, 40, 80 ... 1280 ms and the rest, for the backup and for its undo: not one hundred each.
    expect(scheduled.length).toBeLessThanOrEqual(18);
  });
});

test('a verification reports what was read, and changes no attribute but its own', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes();
  const handle = await temporal.verify(verifyInput(placement));
  const report = await temporal.with(handle, host, () => handle.result());
  expect(host.asked).toEqual(['verifyBackup']);
  expect(report).toMatchObject({ kind: 'verify', entries: 12, documents: 40, bytes: 9_000 });
  expect(report.duration).toBeGreaterThanOrEqual(0);
  expect(await attributesOf(handle)).toMatchObject({
    HoldfastBackupId: report.backupId,
    HoldfastOutcome: 'verified',
  });
  await keepHistory(handle, 'verify-sound');
});

test('a verification that finds damage fails with the code of the damage', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes({ verifyBackup: failing });
  const handle = await temporal.verify(verifyInput(placement));
  const end = await temporal.with(handle, host, () => endOf(handle));
  expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
  await keepHistory(handle, 'verify-damaged');
});

test('of two backups of one controller the second is refused by the workflow id', async () => {
  const placement = await temporal.placement();
  const { workflow } = temporal.environment.client;
  const workflowId = `${controllerWorkflowId(controller)}/${randomUUID()}`;
  const start = () =>
    workflow.start('backup', {
      workflowId,
      taskQueue: placement.workflow,
      args: [backupInput(placement)],
      workflowIdConflictPolicy: 'FAIL',
    });
  const first = await start();
  await expect(start()).rejects.toThrow(/already started/);
  await first.terminate();
});

function neverReached(): never {
  throw new Error('the gate was never opened');
}
