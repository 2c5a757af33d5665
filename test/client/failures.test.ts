import { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TerminatedFailure,
} from '@temporalio/common';
import { operationError, reportedError } from '../../client/failures';
import { HoldfastError } from '../../core/errors';

const failed = (cause: Error) =>
  new WorkflowFailedError('failed', cause, RetryState.NON_RETRYABLE_FAILURE);

describe('operationError', () => {
  it('finds the code of the innermost activity and keeps its text, with exit status of the table', () => {
    const hint = 'Free some space.';
    const application = ApplicationFailure.create({
      type: 'HF-DISK-001',
      message: '/srv has 1 B free, 2 B are needed for the spool',
      details: [{ v: 1, code: 'HF-DISK-001', hint, exit: 16 }],
    });
    const activity = new ActivityFailure(
      'activity failed',
      'dumpDatabase',
      '1',
      RetryState.NON_RETRYABLE_FAILURE,
      'host',
      application,
    );
    const error = operationError(failed(activity), 'backup');
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({
      code: 'HF-DISK-001',
      message: '/srv has 1 B free, 2 B are needed for the spool',
      hint,
      exit: 16,
      retryable: false,
    });
  });

  it('takes the hint of the table when none was sent', () => {
    const error = operationError(
      failed(ApplicationFailure.create({ type: 'HF-CANCEL-001', message: 'm' })),
      'backup',
    );
    expect(error.hint).toBe('Start it again when you want to.');
  });

  it('tells a cancelled and a terminated run', () => {
    expect(operationError(failed(new CancelledFailure('c')), 'restore')).toMatchObject({
      code: 'HF-CANCEL-001',
      exit: 130,
      message: 'the restore was cancelled; what it had begun was undone',
    });
    expect(operationError(failed(new TerminatedFailure('t')), 'backup').message).toContain(
      'its run was terminated',
    );
  });

  it('reports a failure without a code of ours as unexpected', () => {
    const error = operationError(failed(ApplicationFailure.create({ message: 'odd' })), 'verify');
    expect(error).toMatchObject({ code: 'HF-INTERNAL-001', message: 'unexpected: odd', exit: 1 });
  });

  it('does not take an unknown code for one of the table', () => {
    expect(reportedError({ code: 'HF-FUTURE-001', message: 'new' }).code).toBe('HF-INTERNAL-001');
    expect(reportedError({ code: 'toString', message: 'new' }).code).toBe('HF-INTERNAL-001');
  });
});
