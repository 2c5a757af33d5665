import { messageNames, type Confirmation } from '../../core/messages';
import type { WorkflowHandle } from '@temporalio/client';
import { Gate } from './gate';
import {
  failedStep,
  failing,
  failureOfStep,
  HostOfFakes,
  withCode,
  type StepName,
} from './host-of-fakes';
import { controller, limits, preflight, restoreInput, sampleBackupId } from './samples';
import { attributesOf, endOf, inPhase, keepHistory, statusOf, TestTemporal } from './temporal';

const proofs: readonly StepName[] = [
  'locateBackup',
  'prepareRestore',
  'fetchArchive',
  'inspectArchive',
  'preflightRestore',
];
const staging: readonly StepName[] = ['beginRestore', 'loadStaged', 'stageFiles', 'stopAgents'];
const swap: readonly StepName[] = [
  'swapDatabase',
  'swapFiles',
  'restoreUsers',
  'startAgents',
  'finishRestore',
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
])('a restore, %s,', (_name, cached) => {
  test('proves, stages, swaps and reports', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes();
    const handle = await temporal.restore(restoreInput(placement));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(host.asked).toEqual([...proofs, ...staging, ...swap]);
    expect(report).toMatchObject({
      v: 1,
      kind: 'restore',
      outcome: 'restored',
      backupId: sampleBackupId,
      preflight: preflight(),
      collections: 3,
      documents: 40,
      oplogEntries: 7,
      files: 5,
      downtime: 1_500,
    });
    expect(await attributesOf(handle)).toEqual({
      HoldfastController: controller,
      HoldfastBackupId: sampleBackupId,
      HoldfastPhase: 'done',
      HoldfastOutcome: 'restored',
    });
    if (cached > 0) await keepHistory(handle, 'restore-complete');
  });

  test('goes back to the state before when the swap fails', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes({ swapFiles: failing });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-003' });
    expect(end.message).toContain(failureOfStep().message);
    expect(host.asked.slice(-3)).toEqual(['swapDatabase', 'swapFiles', 'undoRestore']);
    if (cached > 0) await keepHistory(handle, 'restore-rolled-back');
  });

  test('is confirmed by the update', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes();
    const handle = await temporal.restore(restoreInput(placement, { confirmed: false }));
    const report = await temporal.with(handle, host, async () => {
      await inPhase(handle, 'awaiting-confirmation');
      await confirm(handle, { v: 1, backupId: sampleBackupId, answer: 'yes' });
      return handle.result();
    });
    expect(report.outcome).toBe('restored');
    expect(host.asked).toEqual([...proofs, ...staging, ...swap]);
    if (cached > 0) await keepHistory(handle, 'restore-confirmed');
  });
});

describe('a plan', () => {
  test('only checks, and leaves nothing behind', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      preflightRestore: () => Promise.resolve(preflight('disk')),
    });
    const handle = await temporal.restore(restoreInput(placement, { planOnly: true }));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report).toMatchObject({ outcome: 'planned', preflight: preflight('disk') });
    expect(host.asked).toEqual([...proofs, 'discardRun']);
    expect(await attributesOf(handle)).toMatchObject({ HoldfastOutcome: 'planned' });
    await keepHistory(handle, 'restore-planned');
  });
});

describe('a preflight that refuses', () => {
  test('ends the restore with everything that is wrong at once; nothing is changed', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      preflightRestore: () => Promise.resolve(preflight('disk', 'version', 'agents')),
    });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-PREFLIGHT-001' });
    for (const name of ['disk', 'version', 'agents']) {
      expect(end.message).toContain(`${name}: ${name} is wrong`);
    }
    expect(end.message).not.toContain('it is this one');
    expect(host.asked).toEqual([...proofs, 'discardRun']);
    await keepHistory(handle, 'restore-refused');
  });
});

describe('a restore that asks for confirmation', () => {
  test('refuses an answer that comes too early, or is about another backup, or is a second one', async () => {
    const placement = await temporal.placement();
    const fetching = new Gate();
    const beginning = new Gate();
    const host = new HostOfFakes({
      inspectArchive: async () => {
        await fetching.pass();
        return { entries: 1, documents: 1, bytes: 1 };
      },
      beginRestore: async () => {
        await beginning.pass();
        return {};
      },
    });
    const handle = await temporal.restore(restoreInput(placement, { confirmed: false }));
    const yes: Confirmation = { v: 1, backupId: sampleBackupId, answer: 'yes' };
    await temporal.with(handle, host, async () => {
      await fetching.reached;
      await expect(confirm(handle, yes)).rejects.toMatchObject({
        cause: expect.objectContaining({ type: 'HF-USAGE-001' }),
      });
      fetching.open();
      const { preflight: shown } = await inPhase(handle, 'awaiting-confirmation');
      expect(shown).toEqual(preflight());
      const other = `20250101-000000.${controller}`;
      await expect(confirm(handle, { ...yes, backupId: other })).rejects.toMatchObject({
        cause: expect.objectContaining({
          message: `this restore is about backup ${sampleBackupId}, not ${other}`,
        }),
      });
      expect((await statusOf(handle)).phase).toBe('awaiting-confirmation');
      await confirm(handle, yes);
      await beginning.reached;
      await expect(confirm(handle, { ...yes, answer: 'no' })).rejects.toThrow();
      beginning.open();
      expect((await handle.result()).outcome).toBe('restored');
    });
  });

  test('is over when the answer is no; nothing is changed', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes();
    const handle = await temporal.restore(restoreInput(placement, { confirmed: false }));
    const end = await temporal.with(handle, host, async () => {
      await inPhase(handle, 'awaiting-confirmation');
      await confirm(handle, { v: 1, backupId: sampleBackupId, answer: 'no' });
      return endOf(handle);
    });
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-CANCEL-001' });
    expect(host.asked).toEqual([...proofs, 'discardRun']);
    await keepHistory(handle, 'restore-declined');
  });

  test('gives up when nobody answers; nothing is changed', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes();
    const handle = await temporal.restore(
      restoreInput(placement, { confirmed: false, limits: { ...limits, confirmWait: 300 } }),
    );
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-001' });
    expect(host.asked).toEqual([...proofs, 'discardRun']);
    await keepHistory(handle, 'restore-unanswered');
  });

  test('is cancelled while it waits; nothing is changed', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes();
    const handle = await temporal.restore(restoreInput(placement, { confirmed: false }));
    const end = await temporal.with(handle, host, async () => {
      await inPhase(handle, 'awaiting-confirmation');
      await handle.cancel();
      return endOf(handle);
    });
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(host.asked).toEqual([...proofs, 'discardRun']);
  });
});

describe('a failure before the point of no return', () => {
  test.each(['fetchArchive', 'inspectArchive', 'preflightRestore'] as const)(
    'in %s clears the workspace and is told as it was',
    async (step) => {
      const placement = await temporal.placement();
      const host = new HostOfFakes({ [step]: failing });
      const handle = await temporal.restore(restoreInput(placement));
      const end = await temporal.with(handle, host, () => endOf(handle));
      expect(end).toEqual({ status: 'FAILED', code: failedStep, message: failureOfStep().message });
      expect(host.asked.slice(-2)).toEqual([step, 'discardRun']);
      expect(host.times('undoRestore')).toBe(0);
    },
  );

  test.each(staging)('in %s is undone and told as it was', async (step) => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ [step]: failing });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toEqual({ status: 'FAILED', code: failedStep, message: failureOfStep().message });
    expect(host.asked.slice(-2)).toEqual([step, 'undoRestore']);
    if (step === 'loadStaged') await keepHistory(handle, 'restore-failed-in-load');
  });

  test('is told as it was also when the undo fails', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      loadStaged: failing,
      undoRestore: () => Promise.reject(withCode('HF-LOCK-002')),
    });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
  });
});

describe('a failure past the point of no return', () => {
  test.each(swap)('in %s rolls back and says why', async (step) => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ [step]: failing });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-003' });
    expect(end.message).toContain(failureOfStep().message);
    expect(host.asked.slice(-2)).toEqual([step, 'undoRestore']);
  });

  test('that can not be rolled back is never told as rolled back', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      finishRestore: failing,
      undoRestore: () => Promise.reject(withCode('HF-LOCK-002')),
    });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-LOCK-002' });
  });
});

async function confirm(handle: WorkflowHandle, confirmation: Confirmation): Promise<void> {
  await handle.executeUpdate(messageNames.confirm, { args: [confirmation] });
}
