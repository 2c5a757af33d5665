import { messageNames, type CancelAnswer, type CancelRequest } from '../../core/messages';
import type { WorkflowHandle } from '@temporalio/client';
import { Gate } from './gate';
import { failedStep, failing, HostOfFakes, withCode, type StepName } from './host-of-fakes';
import {
  archive,
  controller,
  copyInput,
  pruneInput,
  sampleBackupId,
  verifyAllInput,
} from './samples';
import { attributesOf, endOf, keepHistory, statusOf, TestTemporal } from './temporal';

const copySteps: readonly StepName[] = [
  'prepareCopy',
  'copyFiles',
  'verifyCopied',
  'commitCopy',
  'clearCopy',
];

let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await TestTemporal.start();
});

afterAll(async () => {
  await temporal.stop();
});

const askToStop = (handle: WorkflowHandle): Promise<CancelAnswer> =>
  handle.executeUpdate<CancelAnswer, [CancelRequest]>(messageNames.cancel, {
    args: [{ v: 1, rollback: false }],
  });

describe.each([
  ['with a cache', 50],
  ['replayed at every task', 0],
])('a copy, %s,', (_name, cached) => {
  test('takes its steps in order, writes MANIFEST last and reports what it copied', async () => {
    const host = new HostOfFakes();
    const handle = await temporal.copy(copyInput(await temporal.placement(cached)));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(host.asked).toEqual(copySteps);
    expect(report).toMatchObject({
      v: 1,
      kind: 'copy',
      backupId: sampleBackupId,
      from: 'default',
      to: 'offsite',
      outcome: 'copied',
      archive,
      files: 2,
      bytes: 9_000,
    });
    expect(await attributesOf(handle)).toEqual({
      HoldfastController: controller,
      HoldfastBackupId: sampleBackupId,
      HoldfastPhase: 'done',
      HoldfastOutcome: 'copied',
    });
    if (cached > 0) await keepHistory(handle, 'copy-complete');
  });

  test('that is stopped removes what it had written, and says so', async () => {
    const gate = new Gate();
    const host = new HostOfFakes({
      copyFiles: async () => {
        await gate.pass();
        return { copied: 0 };
      },
    });
    const handle = await temporal.copy(copyInput(await temporal.placement(cached)));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      expect(await askToStop(handle)).toMatchObject({ kind: 'copy', will: 'stopping' });
      return endOf(handle);
    });
    expect(end).toEqual({
      status: 'FAILED',
      code: 'HF-CANCEL-001',
      message: 'the copy was cancelled; what it had begun was undone',
    });
    expect(host.asked).toEqual(['prepareCopy', 'copyFiles', 'clearCopy']);
    if (cached > 0) await keepHistory(handle, 'copy-cancelled');
  });
});

test('a copy is done at once where the identical backup is', async () => {
  const host = new HostOfFakes({
    prepareCopy: () => Promise.resolve({ present: true, archive, files: 2, bytes: 9_000 }),
  });
  const handle = await temporal.copy(copyInput(await temporal.placement()));
  const report = await temporal.with(handle, host, () => handle.result());
  expect(host.asked).toEqual(['prepareCopy']);
  expect(report).toMatchObject({ outcome: 'present' });
  await keepHistory(handle, 'copy-present');
});

test('a copy that fails removes what it had written', async () => {
  const host = new HostOfFakes({ verifyCopied: failing });
  const handle = await temporal.copy(copyInput(await temporal.placement()));
  const end = await temporal.with(handle, host, () => endOf(handle));
  expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
  expect(host.asked.slice(-2)).toEqual(['verifyCopied', 'clearCopy']);
  await keepHistory(handle, 'copy-failed');
});

test('a copy that is being committed is finished, whoever asks it to stop', async () => {
  const gate = new Gate();
  const host = new HostOfFakes({ commitCopy: () => gate.passUnmoved() });
  const handle = await temporal.copy(copyInput(await temporal.placement()));
  const report = await temporal.with(handle, host, async () => {
    await gate.reached;
    expect(await askToStop(handle)).toMatchObject({ will: 'finishing' });
    await handle.cancel();
    gate.open();
    return handle.result();
  });
  expect(report.outcome).toBe('copied');
  expect(host.asked).toEqual(copySteps);
});

test('a prune reports what is gone', async () => {
  const host = new HostOfFakes();
  const handle = await temporal.prune(pruneInput(await temporal.placement()));
  const report = await temporal.with(handle, host, () => handle.result());
  expect(host.asked).toEqual(['pruneBackups']);
  expect(report).toMatchObject({ kind: 'prune', removed: [sampleBackupId], swept: [] });
  await keepHistory(handle, 'prune-complete');
});

test('a prune that fails says why', async () => {
  const host = new HostOfFakes({ pruneBackups: failing });
  const handle = await temporal.prune(pruneInput(await temporal.placement()));
  const end = await temporal.with(handle, host, () => endOf(handle));
  expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
  await keepHistory(handle, 'prune-failed');
});

describe('a verification of several backups', () => {
  const ids = [1, 2, 3, 4].map((day) => `2026010${day}-030405.${controller}`);
  const proven = (backupId: string) => ({
    v: 1 as const,
    kind: 'verify' as const,
    backupId,
    archive,
    entries: 12,
    documents: 40,
    bytes: 9_000,
  });

  test('reads one after the other, tells which one now, and goes on after a damaged one', async () => {
    const gate = new Gate();
    const host = new HostOfFakes({
      chooseBackups: () => Promise.resolve({ ids, left: 6, incomplete: 1 }),
      verifyBackup: async ({ backupId }) => {
        if (backupId === ids[1]) throw withCode('HF-ARCHIVE-001', 'a byte is wrong');
        if (backupId === ids[2]) throw withCode('HF-STORAGE-001');
        if (backupId === ids[3]) await gate.pass();
        return proven(backupId);
      },
    });
    const handle = await temporal.verifyAll(verifyAllInput(await temporal.placement(), 40));
    const report = await temporal.with(handle, host, async () => {
      await gate.reached;
      expect(await statusOf(handle)).toMatchObject({ phase: 'verifying', backupId: ids[3] });
      expect(await attributesOf(handle)).toMatchObject({ HoldfastBackupId: ids[3] });
      gate.open();
      return handle.result();
    });
    expect(report).toMatchObject({
      kind: 'verifyAll',
      storage: 'default',
      sample: 40,
      outcome: 'damaged',
      backups: [
        { id: ids[0], verdict: 'sound', bytes: 9_000 },
        { id: ids[1], verdict: 'damaged', bytes: 0, code: 'HF-ARCHIVE-001' },
        { id: ids[2], verdict: 'gone', bytes: 0 },
        { id: ids[3], verdict: 'sound', bytes: 9_000 },
      ],
      left: 6,
      incomplete: 1,
      bytes: 18_000,
    });
    expect(report.backups[1]?.reason).toContain('a byte is wrong');
    expect(await attributesOf(handle)).toMatchObject({ HoldfastOutcome: 'damaged' });
    await keepHistory(handle, 'verifyAll-damaged');
  });

  test('ends when a backup cannot be read for a reason that is not its own', async () => {
    const host = new HostOfFakes({
      chooseBackups: () => Promise.resolve({ ids, left: 0, incomplete: 0 }),
      verifyBackup: failing,
    });
    const handle = await temporal.verifyAll(verifyAllInput(await temporal.placement()));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
    expect(host.times('verifyBackup')).toBe(1);
  });

  test('stops when it is asked to', async () => {
    const gate = new Gate();
    const host = new HostOfFakes({
      chooseBackups: () => Promise.resolve({ ids, left: 0, incomplete: 0 }),
      verifyBackup: async ({ backupId }) => {
        await gate.pass();
        return proven(backupId);
      },
    });
    const handle = await temporal.verifyAll(verifyAllInput(await temporal.placement()));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      expect(await askToStop(handle)).toMatchObject({ kind: 'verifyAll', will: 'stopping' });
      return endOf(handle);
    });
    expect(end).toEqual({
      status: 'FAILED',
      code: 'HF-CANCEL-001',
      message:
        'the verify of several backups was cancelled; what it had found by then is written down',
    });
    await keepHistory(handle, 'verifyAll-cancelled');
  });

  test('of a thousand backups has a history that the server takes without a warning', async () => {
    const many = Array.from({ length: 20 }, (_, n) => {
      return `20250101-000${String(n).padStart(3, '0')}.${controller}`;
    });
    const host = new HostOfFakes({
      chooseBackups: () => Promise.resolve({ ids: many, left: 0, incomplete: 0 }),
      verifyBackup: ({ backupId }) => Promise.resolve(proven(backupId)),
    });
    const handle = await temporal.verifyAll(verifyAllInput(await temporal.placement()));
    await temporal.with(handle, host, () => handle.result());
    const { events } = await handle.fetchHistory();
    // 10,240 events is where it warns; a run has a thousand backups at most.
    expect((events?.length ?? 0) / many.length).toBeLessThan(10);
  });
});
