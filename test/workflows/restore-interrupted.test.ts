import type { WorkflowHandle } from '@temporalio/client';
import { Gate } from './gate';
import { failedStep, failing, HostOfFakes, withCode, type StepName } from './host-of-fakes';
import { controller, limits, ref, restoreInput, sampleBackupId } from './samples';
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

describe('a cancel of a restore', () => {
  test('while it loads undoes it, after the load has stopped', async () => {
    const placement = await temporal.placement();
    const gate = new Gate();
    const order: string[] = [];
    const host = new HostOfFakes({
      loadStaged: async () => {
        try {
          await gate.pass();
        } finally {
          order.push('load stopped');
        }
        throw new Error('the gate was never opened');
      },
      undoRestore: () => {
        order.push('undo began');
        return Promise.resolve({});
      },
    });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      return endOf(handle);
    });
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(order).toEqual(['load stopped', 'undo began']);
    await keepHistory(handle, 'restore-cancelled');
  });

  test('that the last step before the swap did not notice keeps it from swapping', async () => {
    const placement = await temporal.placement();
    const gate = new Gate();
    const host = new HostOfFakes({ stopAgents: () => gate.passUnmoved() });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      expect((await statusOf(handle)).phase).toBe('stopping-agents');
      gate.open();
      return endOf(handle);
    });
    expect(end).toEqual({ status: 'CANCELLED' });
    expect(host.asked.slice(-2)).toEqual(['stopAgents', 'undoRestore']);
  });

  test.each(['swapDatabase', 'swapFiles', 'restoreUsers', 'finishRestore'] as const)(
    'during %s does not interrupt it, nor what comes after, and stands in the history',
    async (step) => {
      const placement = await temporal.placement();
      const gate = new Gate();
      const host = new HostOfFakes({ [step]: () => gate.pass() });
      const handle = await temporal.restore(restoreInput(placement));
      const report = await temporal.with(handle, host, async () => {
        await gate.reached;
        await handle.cancel();
        expect((await statusOf(handle)).pastNoReturn).toBe(true);
        gate.open();
        return handle.result();
      });
      expect(report.outcome).toBe('restored');
      expect(host.asked).toEqual([...proofs, ...staging, ...swap]);
      const { events } = await handle.fetchHistory();
      const asked = (events ?? []).filter(
        (event) => event.workflowExecutionCancelRequestedEventAttributes,
      );
      expect(asked).toHaveLength(1);
      if (step === 'swapFiles') await keepHistory(handle, 'restore-cancelled-in-swap');
    },
  );

  test('and a failure past the point of no return still roll back', async () => {
    const placement = await temporal.placement();
    const gate = new Gate();
    const host = new HostOfFakes({ swapFiles: () => gate.pass().then(failing) });
    const handle = await temporal.restore(restoreInput(placement));
    const end = await temporal.with(handle, host, async () => {
      await gate.reached;
      await handle.cancel();
      gate.open();
      return endOf(handle);
    });
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-003' });
    expect(host.asked.slice(-2)).toEqual(['swapFiles', 'undoRestore']);
  });
});

describe('an unfinished restore that is taken up', () => {
  const first = { workflowId: `holdfast/${controller}`, runId: 'the-first-run' };
  const journaled =
    (pastNoReturn: boolean, finishing = false) =>
    () =>
      Promise.resolve({ ref: ref('restore', first, sampleBackupId), pastNoReturn, finishing });

  test('before its point of no return is loaded again and goes on, without a question', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ prepareRestore: journaled(false) });
    const handle = await temporal.restore(
      restoreInput(placement, { action: 'resume', confirmed: false }),
    );
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report).toMatchObject({ outcome: 'restored', backupId: sampleBackupId });
    expect(host.asked).toEqual([
      'prepareRestore',
      'fetchArchive',
      'inspectArchive',
      ...staging.slice(1),
      ...swap,
    ]);
    await keepHistory(handle, 'restore-resumed');
  });

  test('past it only swaps on', async () => {
    const placement = await temporal.placement();
    const seen: string[] = [];
    const host = new HostOfFakes({
      prepareRestore: journaled(true),
      swapDatabase: ({ runId }) => {
        seen.push(runId);
        return Promise.resolve();
      },
    });
    const handle = await temporal.restore(restoreInput(placement, { action: 'resume' }));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report.outcome).toBe('restored');
    expect(host.asked).toEqual(['prepareRestore', ...swap]);
    expect(seen).toEqual(['the-first-run']);
    await keepHistory(handle, 'restore-resumed-past-no-return');
  });

  test.each([
    ['before', false],
    ['past', true],
  ])('%s its point of no return is rolled back on request', async (_when, pastNoReturn) => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ prepareRestore: journaled(pastNoReturn) });
    const handle = await temporal.restore(restoreInput(placement, { action: 'rollback' }));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report).toMatchObject({ outcome: 'rolled-back', backupId: sampleBackupId });
    expect(host.asked).toEqual(['prepareRestore', 'undoRestore']);
    expect(await attributesOf(handle)).toMatchObject({ HoldfastOutcome: 'rolled-back' });
    if (pastNoReturn) await keepHistory(handle, 'restore-rollback');
  });

  test('while it removes what was before only ends, and is never rolled back', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({ prepareRestore: journaled(true, true) });
    const handle = await temporal.restore(restoreInput(placement, { action: 'resume' }));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(report.outcome).toBe('restored');
    expect(host.asked).toEqual(['prepareRestore', 'finishRestore']);

    const failingHost = new HostOfFakes({
      prepareRestore: journaled(true, true),
      finishRestore: failing,
    });
    const again = await temporal.restore(restoreInput(placement, { action: 'resume' }));
    const end = await temporal.with(again, failingHost, () => endOf(again));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
    expect(failingHost.asked).toEqual(['prepareRestore', 'finishRestore']);
  });

  test('of which there is none is an error', async () => {
    const placement = await temporal.placement();
    const host = new HostOfFakes({
      prepareRestore: () => Promise.reject(withCode('HF-RESTORE-002')),
    });
    const handle = await temporal.restore(restoreInput(placement, { action: 'resume' }));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-002' });
    expect(host.asked).toEqual(['prepareRestore']);
  });
});

describe('a host that goes away', () => {
  test('before the point of no return is given up after the limit', async () => {
    const placement = await temporal.placementAway();
    const handle = await temporal.restore(
      restoreInput(placement, { limits: { ...limits, hostNotice: 100, hostWait: 400 } }),
    );
    const end = await endOf(handle);
    expect(end).toMatchObject({ status: 'FAILED', code: 'HF-BACKUP-005' });
    expect(end.message).toContain('the restore was given up');
  });

  test('past the point of no return is waited for without limit', async () => {
    const placement = await temporal.placementAway();
    const gate = new Gate();
    const before = new HostOfFakes({ swapDatabase: () => gate.pass() });
    const after = new HostOfFakes();
    const handle = await temporal.restore(
      restoreInput(placement, { limits: { ...limits, hostNotice: 100, hostWait: 300 } }),
    );
    await temporal.withHost(placement, before, async () => {
      await gate.reached;
      gate.open();
    });
    // The host's worker stopped in or after the swap; more than its limit passes.
    const away = await inPhase(handle, 'waiting-for-host');
    expect(away.pastNoReturn).toBe(true);
    await moreThan(600, handle);
    const report = await temporal.withHost(placement, after, () => handle.result());
    expect(report.outcome).toBe('restored');
    expect([...before.asked, ...after.asked]).not.toContain('undoRestore');
  });
});

/** Waits until a running operation has been waiting for its host for some milliseconds. */
async function moreThan(milliseconds: number, handle: WorkflowHandle): Promise<void> {
  const until = Date.now() + milliseconds;
  while (Date.now() < until) expect((await statusOf(handle)).phase).toBe('waiting-for-host');
}
