import { WorkflowNotFoundError } from '@temporalio/client';
import { HoldfastError } from '../core/errors';
import { hostQueue, quoteName, workflowQueue } from '../core/ids';
import {
  messageNames,
  type CancelAnswer,
  type CancelRequest,
  type Confirmation,
} from '../core/messages';
import { askToCancel } from './cancel';
import { operationError } from './failures';
import { findLatest, findNamed, findRunning, type FoundRun } from './find-run';
import type { Interrupted } from './interrupted';
import { readJobs } from './jobs';
import type { OperationHandle } from './operation-handle';
import { lastPollOf } from './start';
import { readStatus, type Report, type Status } from './status';
import { StoredBackups } from './stored-backups';
import { TemporalSession } from './temporal';

/** The part of the client that finds, follows and steers operations that were started. */
export class StartedOperations extends StoredBackups {
  #session: Promise<TemporalSession> | undefined;

  /** Connects; every operation does so itself when needed. @throws HoldfastError HF-TEMPORAL-001 */
  async connect(): Promise<void> {
    await this.connected();
  }

  /** Ends the connections. Operations go on. */
  override async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await super.close();
    if (session === undefined) return;
    const connected = await session.catch(() => undefined);
    await connected?.close();
  }

  /**
   * Answers a restore that waits for its confirmation.
   * @throws HoldfastError when it does not wait, or for another backup.
   */
  async confirmRestore(
    handle: OperationHandle,
    backupId: string,
    answer: Confirmation['answer'],
  ): Promise<void> {
    const confirmation: Confirmation = { v: 1, backupId, answer };
    const session = await this.connected();
    const run = session.client.workflow.getHandle(handle.workflowId, handle.runId);
    const args: [Confirmation] = [confirmation];
    const updateId = `confirm-${backupId}-${answer}`;
    try {
      await session.call(() => run.executeUpdate(messageNames.confirm, { args, updateId }));
    } catch (error) {
      throw this.#explain(error, handle);
    }
  }

  /**
   * As `find`, of what runs now; without a name the backup or restore, or else a verification.
   * @throws HoldfastError HF-JOB-001 when none runs, HF-TEMPORAL-001
   */
  async running(name?: string): Promise<OperationHandle> {
    const session = await this.connected();
    const { modelUuid } = await this.host();
    const found = await session.call(() => findRunning(session.client, modelUuid, name));
    if (found !== undefined) return this.#handleOf(found);
    const what = name === undefined ? '' : `${quoteName(name)} `;
    throw await this.#hasNo(`operation ${what}that runs`);
  }

  /**
   * An operation of this host's controller that runs or ran: by run id, workflow id or (the beginning
   * of) a backup id; without a name the one that runs or ran last.
   * @throws HoldfastError HF-JOB-001, HF-TEMPORAL-001
   */
  async find(name?: string): Promise<OperationHandle> {
    const session = await this.connected();
    const { modelUuid } = await this.host();
    const found = await session.call(() =>
      name === undefined
        ? findLatest(session.client, modelUuid)
        : findNamed(session.client, modelUuid, name),
    );
    if (found !== undefined) return this.#handleOf(found);
    throw await this.#hasNo(name === undefined ? 'operation yet' : `operation ${quoteName(name)}`);
  }

  /**
   * The operations of this host's controller: those that run, then the last ended, `most` in all.
   * @throws HoldfastError HF-TEMPORAL-001
   */
  async jobs(most = 20): Promise<readonly Status[]> {
    const session = await this.connected();
    const { modelUuid } = await this.host();
    return readJobs(session, modelUuid, most);
  }

  /** What the journal of this host holds, whether somebody works on it or not. Needs no Temporal. */
  async journal(): Promise<Interrupted | undefined> {
    const { journaled } = await import('./interrupted.js');
    return journaled(this.config.workspace);
  }

  /**
   * Asks an operation to stop, and tells what happens now. It is not waited for.
   * @throws HoldfastError HF-CANCEL-002 past the point of no return without `rollback`; HF-CANCEL-003
   * when there is no way back any more; HF-JOB-001 when it has ended; HF-JOB-002 when no worker answers.
   */
  async cancel(
    handle: OperationHandle,
    options: { readonly rollback?: boolean } = {},
  ): Promise<CancelAnswer> {
    const request: CancelRequest = { v: 1, rollback: options.rollback ?? false };
    const session = await this.connected();
    const queue = handle.queues.workflow;
    const answer = await session.call(() => askToCancel(session, handle, queue, request));
    if (answer !== undefined) return answer;
    throw await this.#hasNo(`run ${handle.runId} that still runs`);
  }

  /**
   * Everything that can be told of an operation now. With `query: false` no worker is asked, which
   * never waits.
   * @throws HoldfastError HF-TEMPORAL-001
   */
  async status(handle: OperationHandle, options: { query?: boolean } = {}): Promise<Status> {
    const session = await this.connected();
    try {
      return await session.call(() => readStatus(session.client, { ...handle, ...options }));
    } catch (error) {
      throw this.#explain(error, handle);
    }
  }

  /** Waits for an operation's end. @throws HoldfastError its own error; HF-CANCEL-001 when it was cancelled. */
  async result<R extends Report>(handle: OperationHandle<R>): Promise<R> {
    const session = await this.connected();
    const run = session.client.workflow.getHandle<() => Promise<R>>(
      handle.workflowId,
      handle.runId,
      { followRuns: false },
    );
    try {
      return await session.call(() => run.result());
    } catch (error) {
      throw this.#explain(error, handle);
    }
  }

  /** When the queues of an operation were polled last, for people; `where` is empty for a live worker. */
  async lastPoll(handle: OperationHandle, queue: 'workflow' | 'host'): Promise<string> {
    const kind = queue === 'workflow' ? 'workflow' : 'activity';
    const session = await this.connected();
    return session.call(() => lastPollOf(session, handle.queues[queue], kind));
  }

  async #hasNo(what: string): Promise<HoldfastError> {
    const { modelUuid: controller } = await this.host();
    return new HoldfastError('HF-JOB-001', { controller, what: `no ${what}` });
  }

  async #handleOf({ kind, workflowId, runId }: FoundRun): Promise<OperationHandle> {
    const { modelUuid, machine } = await this.host();
    const queues = { workflow: workflowQueue, host: hostQueue(modelUuid, machine) };
    return { kind, workflowId, runId, attached: true, queues };
  }

  #explain(error: unknown, { kind, workflowId, runId }: OperationHandle): HoldfastError {
    if (error instanceof WorkflowNotFoundError) {
      const { address } = this.config.temporal;
      const params = { address, workflowId, runId };
      return new HoldfastError('HF-TEMPORAL-007', params, { cause: error });
    }
    return operationError(error, kind);
  }

  /** The connection to Temporal, made when it is first needed. @throws HoldfastError HF-TEMPORAL-001 */
  protected async connected(): Promise<TemporalSession> {
    this.#session ??= TemporalSession.open(this.config.temporal, this.environment);
    try {
      return await this.#session;
    } catch (error) {
      // The next call tries again.
      this.#session = undefined;
      throw error;
    }
  }
}
