import { randomUUID } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import { readStatus, type Status } from '../../client/status';
import type { BackupInput } from '../../core/messages';
import { createLogger, TemporalLogger } from '../../worker/logging';
import { backupInput, FakeHost } from '../workflows/fake-host';
import { until } from './temporary';

let host: FakeHost;

beforeAll(async () => {
  Runtime.install({ logger: new TemporalLogger(createLogger('test', 'error')) });
  host = await FakeHost.start();
});
afterAll(async () => {
  await host.stop();
  await Runtime.instance().shutdown();
});

async function start(input: BackupInput) {
  const workflowId = randomUUID();
  const handle = await host.server.client.workflow.start('backup', {
    workflowId,
    taskQueue: 'holdfast',
    args: [input],
  });
  const runId = handle.firstExecutionRunId;
  const status = (): Promise<Status> =>
    readStatus(host.server.client, { workflowId, runId, kind: 'backup', query: false });
  return { handle, status };
}

it('tells of a worker that gave no sign of life as what it is, and at which attempt the step is now', async () => {
  const release = host.hold('dumpDatabase', { silent: true });
  const limits = { ...backupInput.limits, heartbeatTimeout: 1_000 };
  const { handle, status } = await start({ ...backupInput, limits });
  const step = await until(async () => {
    const found = (await status()).step;
    return found?.lastFailure === undefined ? undefined : found;
  }, 'the lost attempt');
  expect(step).toMatchObject({
    type: 'dumpDatabase',
    attempt: 2,
    lastFailure: {
      code: 'HF-WORKER-002',
      message: 'an attempt of dumpDatabase was lost: its worker gave no sign of life',
    },
  });
  release();
  await handle.result();
});

it('says that it waits for the host until the host has come, and then what it does', async () => {
  const away = randomUUID();
  const limits = { ...backupInput.limits, hostNotice: 300 };
  const placement = { ...backupInput.placement, host: away };
  const release = host.hold('prepareBackup');
  const { handle, status } = await start({ ...backupInput, limits, placement });
  await until(async () => (await status()).phase === 'waiting-for-host', 'the wait');
  await host.serve(away);
  await until(async () => (await status()).step?.state === 'started', 'the step');
  expect((await status()).phase).toBe('preparing');
  release();
  await handle.result();
});
