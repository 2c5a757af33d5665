import { randomUUID } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import type { HostSteps } from '../../activities/steps';
import { operationError } from '../../client/failures';
import {
  messageNames,
  type CancelAnswer,
  type CancelRequest,
  type WorkflowStatus,
} from '../../core/messages';
import { createLogger, TemporalLogger } from '../../worker/logging';
import { until } from '../client/temporary';
import { backupInput, FakeHost, restoreInput, verifyInput } from './fake-host';

let host: FakeHost;

beforeAll(async () => {
  Runtime.install({ logger: new TemporalLogger(createLogger('test', 'error')) });
  host = await FakeHost.start();
});
beforeEach(() => void host.steps.splice(0));
afterAll(async () => {
  await host.stop();
  await Runtime.instance().shutdown();
});

const inputs = { backup: backupInput, restore: restoreInput, verify: verifyInput };

/** Starts an operation and waits until it is in the step that is held. */
async function startHeld(
  kind: keyof typeof inputs,
  step: keyof HostSteps,
  changes: object = {},
): Promise<{ handle: WorkflowHandle; release: () => void }> {
  const release = host.hold(step);
  const input = { ...inputs[kind], ...changes };
  const handle = await host.server.client.workflow.start(kind, {
    workflowId: randomUUID(),
    taskQueue: 'holdfast',
    args: [input],
  });
  await until(() => host.steps.includes(step), step);
  return { handle, release };
}

const cancel = (handle: WorkflowHandle, rollback = false): Promise<CancelAnswer> => {
  const args: [CancelRequest] = [{ v: 1, rollback }];
  return handle.executeUpdate<CancelAnswer, [CancelRequest]>(messageNames.cancel, { args });
};

const will = async (handle: WorkflowHandle, rollback = false): Promise<CancelAnswer['will']> =>
  (await cancel(handle, rollback)).will;

async function ending(handle: WorkflowHandle, kind: WorkflowStatus['kind']) {
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  const { code, message, exit } = operationError(error, kind);
  return { code, message, exit };
}

async function refusal(handle: WorkflowHandle, rollback = false): Promise<string | null> {
  const error: unknown = await cancel(handle, rollback).catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowUpdateFailedError)) throw error;
  return operationError(error, 'restore').code;
}

describe('a verification that is asked to cancel', () => {
  it('stops, and says that it had changed nothing', async () => {
    const { handle } = await startHeld('verify', 'verifyBackup');
    expect(await cancel(handle)).toEqual({ v: 1, kind: 'verify', will: 'stopping' });
    expect(await ending(handle, 'verify')).toEqual({
      code: 'HF-CANCEL-001',
      message: 'the verify was cancelled; it had changed nothing',
      exit: 130,
    });
    expect(host.steps).toEqual(['verifyBackup', 'verifyBackup cancelled']);
  });
});

describe('a backup that is asked to cancel', () => {
  it('stops in a step, removes what it wrote, and says that it was cancelled', async () => {
    const { handle } = await startHeld('backup', 'dumpDatabase');
    expect(await will(handle)).toBe('stopping');
    expect(await ending(handle, 'backup')).toEqual({
      code: 'HF-CANCEL-001',
      message: 'the backup was cancelled; what it had begun was undone',
      exit: 130,
    });
    expect(host.steps).toEqual([
      'prepareBackup',
      'dumpDatabase',
      'dumpDatabase cancelled',
      'undoBackup',
    ]);
  });

  it('does the same when Temporal itself is asked', async () => {
    const { handle } = await startHeld('backup', 'storeArchive');
    await handle.cancel();
    expect((await ending(handle, 'backup')).code).toBe('HF-CANCEL-001');
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(host.steps.slice(-2)).toEqual(['storeArchive cancelled', 'undoBackup']);
  });

  it('finishes a commit that has begun, whoever asks', async () => {
    const { handle, release } = await startHeld('backup', 'commitBackup');
    expect(await will(handle)).toBe('finishing');
    expect(await will(handle, true)).toBe('finishing');
    await handle.cancel();
    release();
    expect(await handle.result()).toMatchObject({ outcome: 'complete' });
    expect(host.steps.slice(-2)).toEqual(['commitBackup', 'finishBackup']);
  });

  it('answers the same while it is being undone', async () => {
    const release = host.hold('undoBackup');
    const { handle } = await startHeld('backup', 'bundleFiles');
    expect(await will(handle)).toBe('stopping');
    await until(() => host.steps.includes('undoBackup'), 'the undo');
    expect(await will(handle)).toBe('stopping');
    release();
    expect((await ending(handle, 'backup')).code).toBe('HF-CANCEL-001');
    expect(host.steps.at(-1)).toBe('undoBackup');
  });
});

describe('a restore that is asked to cancel', () => {
  it('goes back to the state before while it loads', async () => {
    const { handle } = await startHeld('restore', 'loadStaged');
    expect(await will(handle)).toBe('stopping');
    expect(await ending(handle, 'restore')).toMatchObject({ code: 'HF-CANCEL-001', exit: 130 });
    expect(host.steps.slice(-2)).toEqual(['loadStaged cancelled', 'undoRestore']);
  });

  it('has changed nothing while it waits for its confirmation', async () => {
    const { handle, release } = await startHeld('restore', 'preflightRestore', {
      confirmed: false,
    });
    release();
    const waits = async (): Promise<boolean> =>
      (await handle.query<WorkflowStatus>(messageNames.status)).phase === 'awaiting-confirmation';
    await until(waits, 'the question');
    expect(await will(handle)).toBe('stopping');
    expect((await ending(handle, 'restore')).code).toBe('HF-CANCEL-001');
    expect(host.steps.slice(-2)).toEqual(['preflightRestore', 'discardRun']);
  });

  it('is refused past the point of no return, and goes on to its end', async () => {
    const { handle, release } = await startHeld('restore', 'swapDatabase');
    expect(await refusal(handle)).toBe('HF-CANCEL-002');
    await handle.cancel();
    release();
    expect(await handle.result()).toMatchObject({ outcome: 'restored', downtime: 5 });
    expect(host.steps.slice(-5)).toEqual([
      'swapDatabase',
      'swapFiles',
      'restoreUsers',
      'startAgents',
      'finishRestore',
    ]);
  });

  it.each(['swapDatabase', 'swapFiles', 'restoreUsers', 'startAgents'] as const)(
    'goes back out of %s when it is asked for the rollback, once',
    async (step) => {
      const { handle } = await startHeld('restore', step);
      const release = host.hold('undoRestore');
      expect(await will(handle, true)).toBe('rolling-back');
      await until(() => host.steps.includes('undoRestore'), 'the rollback');
      expect(await will(handle)).toBe('rolling-back');
      release();
      expect(await ending(handle, 'restore')).toEqual({
        code: 'HF-CANCEL-001',
        message:
          'the restore was cancelled; it was rolled back, and the controller is as it was before',
        exit: 130,
      });
      expect(host.steps.slice(-3)).toEqual([step, `${step} cancelled`, 'undoRestore']);
    },
  );

  it('goes back although Temporal was asked before', async () => {
    const { handle } = await startHeld('restore', 'swapFiles');
    await handle.cancel();
    expect(await will(handle, true)).toBe('rolling-back');
    expect((await ending(handle, 'restore')).code).toBe('HF-CANCEL-001');
    expect(host.steps.at(-1)).toBe('undoRestore');
  });

  it('is refused for good while what was before is being removed', async () => {
    const { handle, release } = await startHeld('restore', 'finishRestore');
    expect(await refusal(handle)).toBe('HF-CANCEL-003');
    expect(await refusal(handle, true)).toBe('HF-CANCEL-003');
    release();
    expect(await handle.result()).toMatchObject({ outcome: 'restored' });
  });

  it('that is a rollback itself goes on', async () => {
    const { handle, release } = await startHeld('restore', 'undoRestore', { action: 'rollback' });
    expect(await will(handle)).toBe('rolling-back');
    release();
    expect(await handle.result()).toMatchObject({ outcome: 'rolled-back' });
  });
});
