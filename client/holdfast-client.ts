import { WorkflowNotFoundError } from '@temporalio/client';
import type { Environment } from '../config/environment';
import { processEnvironment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { loadConfig } from '../config/load';
import type { BackupSummary } from '../catalog/backup-summary';
import { setPin } from '../catalog/marks';
import { prunedBackup } from '../catalog/pruning';
import { planPrune, type KeepRules, type PruneDecision } from '../catalog/retention';
import { findBackup, findStored, listBackups, type FoundBackup } from '../catalog/storage-catalog';
import type { HostIdentity } from '../controller/host-identity';
import {
  messageNames,
  type BackupReport,
  type CancelAnswer,
  type CancelRequest,
  type Confirmation,
  type PruneReport,
  type RestoreCollectionsReport,
  type RestoreReport,
  type VerifyReport,
  type WorkflowStatus,
} from '../core/messages';
import type { BackupStorage } from '../storage/contract';
import { createStorageRegistry } from '../storage/registry';
import { HoldfastError, isHoldfastError } from '../core/errors';
import { identifyThisHost } from '../worker/this-host';
import { hostQueue, quoteName, workflowQueue } from '../core/ids';
import { choiceProblem } from '../core/namespace-selection';
import { askToCancel } from './cancel';
import { downloadArchive, type Downloaded, type DownloadOptions } from './download';
import { operationError } from './failures';
import { findLatest, findNamed, findRunning, type FoundRun } from './find-run';
import { journaled, type Interrupted } from './interrupted';
import { readJobs } from './jobs';
import {
  backupRequest,
  pruneRequest,
  restoreCollectionsRequest,
  restoreRequest,
  verifyRequest,
  type BackupOptions,
  type PruneOptions,
  type RestoreCollectionsOptions,
  type RestoreOptions,
  type StartOptions,
} from './operations';
import { lastPollOf, startWorkflow, type StartRequest } from './start';
import type { OperationHandle } from './operation-handle';
import { readStatus, type Report, type Status } from './status';
import { TemporalSession } from './temporal';
import { digestFile, uploadArchive, type Uploaded, type UploadOptions } from './upload';

/**
 * The library behind the command line: starts operations on one controller and tells how they go.
 * An operation goes on when the client is gone.
 *
 *     const client = await HoldfastClient.load();
 *     const backup = await client.startBackup({ notes: 'before the upgrade' });
 *     const report = await client.result(backup);
 *     await client.close();
 */
export class HoldfastClient {
  #session: Promise<TemporalSession> | undefined;
  #host: Promise<HostIdentity> | undefined;
  #storage: BackupStorage | undefined;

  constructor(
    readonly config: HoldfastConfig,
    private readonly environment: Environment,
  ) {}

  /** By the file named, else the first found. @throws HoldfastError HF-CONFIG-001, HF-CONFIG-002 */
  static async load(file?: string): Promise<HoldfastClient> {
    const environment = processEnvironment();
    const { config } = await loadConfig({ environment, file });
    return new HoldfastClient(config, environment);
  }

  /** Connects; every operation does so itself when needed. @throws HoldfastError HF-TEMPORAL-001 */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /** Ends the connections. Operations go on. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await this.#storage?.close();
    if (session === undefined) return;
    const connected = await session.catch(() => undefined);
    await connected?.close();
  }

  /** Which controller machine operations are for. @throws HoldfastError HF-HOST-001, HF-HOST-003 */
  host(): Promise<HostIdentity> {
    this.#host ??= identifyThisHost(this.config, this.environment);
    return this.#host;
  }

  /**
   * The backups of this host's controller, or of every controller of the storage where the host
   * does not know its own; oldest first, complete or not. Needs no Temporal.
   * @throws HoldfastError HF-STORAGE-005, HF-STORAGE-006
   */
  async list(signal?: AbortSignal): Promise<readonly BackupSummary[]> {
    return listBackups(await this.#query(signal));
  }

  /** One complete backup, by (the beginning of) an id or `latest`. @throws as `findBackup` of the catalog. */
  async info(id: string, signal?: AbortSignal): Promise<FoundBackup> {
    return findBackup(await this.#query(signal), id);
  }

  /** Fetches the archive of a backup into a file. Needs no Temporal. @throws as `info` and `downloadArchive`. */
  async download(id: string, options: DownloadOptions = {}): Promise<Downloaded> {
    const query = await this.#query(options.signal);
    return downloadArchive(query.storage, await findBackup(query, id), options);
  }

  /** Adds an archive that Juju made to the storage. Needs no Temporal. @throws as `uploadArchive`. */
  async upload(file: string, options: UploadOptions = {}): Promise<Uploaded> {
    const { storage, controller: modelUuid } = await this.#query(options.signal);
    const now = (): number => this.environment.now();
    return uploadArchive({ config: this.config, storage, modelUuid, now }, file, options);
  }

  /** Whether a complete backup was made of this very file. @throws as `findBackup` for the id, HF-LOCAL-002 */
  async isUploaded(id: string, file: string): Promise<boolean> {
    const { storage } = await this.#query(undefined);
    const { manifest } = await findBackup({ storage }, id);
    return manifest.origin !== undefined && manifest.origin.sha256 === (await digestFile(file));
  }

  /** @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001; nothing was started then. */
  async startBackup(options: BackupOptions = {}): Promise<OperationHandle<BackupReport>> {
    return this.#start('backup', backupRequest(await this.#target(), options));
  }

  /**
   * Begins a restore. Unless `confirmed`, it waits for `confirmRestore` after its preflight.
   * @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001; nothing was started then.
   */
  async startRestore(options: RestoreOptions): Promise<OperationHandle<RestoreReport>> {
    return this.#start('restore', restoreRequest(await this.#target(), options));
  }

  /**
   * Begins a restore of some collections beside everything else. Unless `confirmed`, it waits for
   * `confirmRestore` after its preflight.
   * @throws HoldfastError HF-USAGE-001 for a choice that makes no sense; HF-TEMPORAL-001, HF-WORKER-001,
   * HF-LOCK-001; nothing was started then.
   */
  async startRestoreCollections(
    options: RestoreCollectionsOptions,
  ): Promise<OperationHandle<RestoreCollectionsReport>> {
    const problem = choiceProblem({ include: [], exclude: [], ...options.choice });
    if (problem !== undefined) {
      throw new HoldfastError('HF-USAGE-001', { problem, command: 'holdfast restore' });
    }
    return this.#start(
      'restoreCollections',
      restoreCollectionsRequest(await this.#target(), options),
    );
  }

  /**
   * Begins to verify a backup, or attaches to the verification of it that runs.
   * @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001; nothing was started then.
   */
  async startVerify(
    backupId: string,
    options: StartOptions = {},
  ): Promise<OperationHandle<VerifyReport>> {
    return this.#start('verify', verifyRequest(await this.#target(), backupId, options));
  }

  /** Pins a complete backup, so that nothing removes it, or takes the pin back. Needs no Temporal. @throws as `info` */
  async setPin(id: string, pinned: boolean): Promise<{ id: string; changed: boolean }> {
    const query = await this.#query(undefined);
    const { storage } = query;
    const { summary, manifest } = await findBackup(query, id);
    const at = new Date(this.environment.now()).toISOString();
    const target = { storage, controller: summary.controller, id: summary.id, at };
    return { id: summary.id, changed: await setPin({ ...target, owner: manifest.owner }, pinned) };
  }

  /** What `startPrune` would do by these rules, newest first; what is read now is not asked. Needs no Temporal. */
  async planPrune(rules: KeepRules): Promise<readonly PruneDecision[]> {
    const backups = await this.list();
    const known = backups.map((backup) => prunedBackup(backup));
    return planPrune(known, rules, this.environment.now());
  }

  /** The backup that (the beginning of) an id names, if it may be removed. @throws HoldfastError HF-BACKUP-007 */
  async removable(id: string): Promise<BackupSummary> {
    const found = await findStored(await this.#query(undefined), id);
    if (found.pinned) throw new HoldfastError('HF-BACKUP-007', { id: found.id });
    return found;
  }

  /** Begins to remove backups. @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001 */
  async startPrune(options: PruneOptions): Promise<OperationHandle<PruneReport>> {
    return this.#start('prune', pruneRequest(await this.#target(), options));
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
    const session = await this.#connected();
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
    const session = await this.#connected();
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
    const session = await this.#connected();
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
    const session = await this.#connected();
    const { modelUuid } = await this.host();
    return readJobs(session, modelUuid, most);
  }

  /** What the journal of this host holds, whether somebody works on it or not. Needs no Temporal. */
  async journal(): Promise<Interrupted | undefined> {
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
    const session = await this.#connected();
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
    const session = await this.#connected();
    try {
      return await session.call(() => readStatus(session.client, { ...handle, ...options }));
    } catch (error) {
      throw this.#explain(error, handle);
    }
  }

  /** Waits for an operation's end. @throws HoldfastError its own error; HF-CANCEL-001 when it was cancelled. */
  async result<R extends Report>(handle: OperationHandle<R>): Promise<R> {
    const session = await this.#connected();
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
    const session = await this.#connected();
    return session.call(() => lastPollOf(session, handle.queues[queue], kind));
  }

  async #start<K extends WorkflowStatus['kind']>(
    kind: K,
    request: StartRequest,
  ): Promise<{ kind: K } & Omit<OperationHandle, 'kind'>> {
    const session = await this.#connected();
    const { workflow, host } = request.input.placement;
    const started = await session.call(() => startWorkflow(session, request));
    return { kind, ...started, queues: { workflow, host } };
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

  async #query(signal: AbortSignal | undefined) {
    this.#storage ??= createStorageRegistry(this.environment).openStorage(this.config.storage);
    const host = await this.host().catch((error: unknown) => {
      if (isHoldfastError(error, 'HF-HOST-001', 'HF-HOST-003')) return undefined;
      throw error;
    });
    const storage = this.#storage;
    const controller = host?.modelUuid;
    return { storage, controller, ...(signal === undefined ? {} : { signal }) };
  }

  async #target() {
    return { config: this.config, host: await this.host() };
  }

  async #connected(): Promise<TemporalSession> {
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
