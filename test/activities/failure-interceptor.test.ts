import {
  ActivityCancellationDetails,
  ApplicationFailure,
  CancelledFailure,
} from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { failureInterceptor, toApplicationFailure } from '../../activities/failure-interceptor';
import { errorTable } from '../../core/error-table';
import { HoldfastError } from '../../core/errors';

/** A worker's surroundings of one activity, with the interceptor as the host worker installs it. */
function surroundings(): MockActivityEnvironment {
  return new MockActivityEnvironment(undefined, {
    interceptors: [failureInterceptor],
    logger: new DefaultLogger('ERROR', () => undefined),
  });
}

async function failureOf(step: () => Promise<unknown>, surrounding = surroundings()) {
  try {
    await surrounding.run(step);
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('an error of the table', () => {
  test('keeps its code as type, its message, hint, exit status and cause', async () => {
    const cause = new Error('EACCES');
    const failure = await failureOf(() =>
      Promise.reject(
        new HoldfastError(
          'HF-FILES-001',
          { path: '/etc/a', action: 'read', reason: 'no' },
          { cause },
        ),
      ),
    );
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: 'HF-FILES-001',
      message: '/etc/a cannot be read: no',
      nonRetryable: true,
      cause: { message: 'EACCES' },
      details: [{ v: 1, code: 'HF-FILES-001', hint: errorTable['HF-FILES-001'].hint, exit: 1 }],
    });
  });

  test.each([
    new HoldfastError('HF-FENCE-001', { mine: 1, newer: 2, step: 'dump' }),
    new HoldfastError('HF-DISK-001', { path: '/', free: '1 MiB', need: '1 GiB', what: 'a dump' }),
    new HoldfastError('HF-MONGO-001', { hosts: 'localhost', reason: 'refused' }),
    new HoldfastError('HF-RESTORE-002'),
  ])('is retried as its row says: $code', (error) => {
    const { retryable, exit } = errorTable[error.code];
    expect(toApplicationFailure(error)).toMatchObject({
      type: error.code,
      nonRetryable: !retryable,
      details: [{ v: 1, code: error.code, exit }],
    });
  });
});

describe('an error that nobody foresaw', () => {
  test.each([
    ['an Error', new TypeError('x is undefined'), 'unexpected: x is undefined'],
    ['a text', 'it broke', 'unexpected: it broke'],
    ['nothing', undefined, 'unexpected: undefined'],
  ])('%s, is HF-INTERNAL-001 and is tried again', async (_what, thrown, message) => {
    const failure = await failureOf(() => {
      throw thrown;
    });
    expect(failure).toMatchObject({ type: 'HF-INTERNAL-001', message, nonRetryable: false });
  });
});

test("a failure of Temporal's own stays what it is", async () => {
  const own = ApplicationFailure.nonRetryable('as it was', 'Own');
  expect(await failureOf(() => Promise.reject(own))).toBe(own);
});

test('a stack tells which code failed, not where it is installed', async () => {
  const cause = new Error('open /srv/a: denied');
  cause.stack = [
    'Error: open /srv/a: denied',
    '    at open (node:internal/fs/promises:639:25)',
    '    at read (file:///home/me/app/node_modules/mongodb/lib/a.js:1:2)',
    '    at /home/me/app/node_modules/.pnpm/x/node_modules/@a/b/c.js:3:4',
    '    at async Mine.run (/home/me/app/src/mine.js:5:6)',
  ].join('\n');
  const failure = await failureOf(() => Promise.reject(cause));
  const root = join(__dirname, '../..');
  expect(failure).toHaveProperty(
    'cause.stack',
    [
      'Error: open /srv/a: denied',
      '    at open (node:internal/fs/promises:639:25)',
      '    at read (mongodb/lib/a.js:1:2)',
      '    at @a/b/c.js:3:4',
      '    at async Mine.run (mine.js:5:6)',
    ].join('\n'),
  );
  expect(failure).toHaveProperty('stack', expect.not.stringContaining(root));
  expect(failure).toHaveProperty(
    'stack',
    expect.stringMatching(/holdfast\/activities\/failure-interceptor\.ts:\d+/),
  );
});

test('an error of the table tells where it was thrown; its cause is told by its message alone', async () => {
  const cause = new Error('denied');
  const failure = await failureOf(() =>
    Promise.reject(new HoldfastError('HF-RESTORE-002', undefined, { cause })),
  );
  expect(failure).toMatchObject({ cause: { message: 'denied', stack: '' } });
  expect(failure).toHaveProperty(
    'stack',
    expect.stringMatching(/^HoldfastError: .+\n +at .*holdfast\/test\/activities\//),
  );
});

describe("Node's AbortError", () => {
  const waiting = async (): Promise<void> => {
    await delay(60_000, undefined, { signal: Context.current().cancellationSignal });
  };

  test.each([
    ['a pause', { paused: true }],
    ['a reset', { reset: true }],
    ['a cancel', { cancelRequested: true }],
    ['the end of the worker', { workerShutdown: true }],
  ])('under %s is the cancellation that Temporal sent', async (_what, details) => {
    const surrounding = surroundings();
    const failing = failureOf(waiting, surrounding);
    surrounding.cancel('CANCELLED', new ActivityCancellationDetails(details));
    expect(await failing).toBeInstanceOf(CancelledFailure);
  });

  test('that no cancellation caused is an error like any other', async () => {
    const failure = await failureOf(async () => {
      await delay(60_000, undefined, { signal: AbortSignal.timeout(1) });
    });
    expect(failure).toMatchObject({ type: 'HF-INTERNAL-001', nonRetryable: false });
  });

  test('does not hide behind what the cancellation broke', async () => {
    const surrounding = surroundings();
    const failing = failureOf(async () => {
      await waiting().catch(() => undefined);
      throw new HoldfastError('HF-MONGO-001', { hosts: 'a', reason: 'connection closed' });
    }, surrounding);
    surrounding.cancel('CANCELLED', new ActivityCancellationDetails({ paused: true }));
    expect(await failing).toBeInstanceOf(CancelledFailure);
  });
});
