import { processEnvironment } from '../config/environment';
import { loadConfig } from '../config/load';
import { storageRoot } from '../config/storage-schema';
import { findStorage, withDefaultStorage } from '../config/storages';
import { HoldfastError } from '../core/errors';
import type {
  BackupReport,
  CopyReport,
  PruneReport,
  RestoreCollectionsReport,
  RestoreReport,
  VerifyAllReport,
  VerifyReport,
  WorkflowStatus,
} from '../core/messages';
import { choiceProblem } from '../core/namespace-selection';
import type { OperationHandle } from './operation-handle';
import type { OperationTarget, StartOptions } from './operation-request';
import {
  backupRequest,
  restoreCollectionsRequest,
  restoreRequest,
  type BackupOptions,
  type RestoreCollectionsOptions,
  type RestoreOptions,
} from './operations';
import { startWorkflow, type StartRequest } from './start';
import { StartedOperations } from './started-operations';
import {
  copyRequest,
  pruneRequest,
  verifyAllRequest,
  verifyRequest,
  type CopyOptions,
  type PruneOptions,
  type VerifyAllOptions,
} from './stored-operations';

/**
 * The library behind the command line: starts operations on one controller and tells how they go.
 * An operation goes on when the client is gone.
 *
 *     const client = await HoldfastClient.load();
 *     const backup = await client.startBackup({ notes: 'before the upgrade' });
 *     const report = await client.result(backup);
 *     await client.close();
 */
export class HoldfastClient extends StartedOperations {
  /**
   * By the file named, else the first found. `storage`: the one that is worked on, by its name in the
   * configuration; the section `storage` when absent.
   * @throws HoldfastError HF-CONFIG-001, HF-CONFIG-002, HF-STORAGE-011
   */
  static async load(file?: string, storage?: string): Promise<HoldfastClient> {
    const environment = processEnvironment();
    const { config } = await loadConfig({ environment, file });
    const chosen = storage === undefined ? config : withDefaultStorage(config, storage);
    return new HoldfastClient(chosen, environment);
  }

  /** @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001; nothing was started then. */
  async startBackup(options: BackupOptions = {}): Promise<OperationHandle<BackupReport>> {
    return this.#start('backup', (target) => backupRequest(target, options));
  }

  /**
   * Begins a restore. Unless `confirmed`, it waits for `confirmRestore` after its preflight.
   * @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001; nothing was started then.
   */
  async startRestore(options: RestoreOptions): Promise<OperationHandle<RestoreReport>> {
    return this.#start('restore', (target) => restoreRequest(target, options));
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
    return this.#start('restoreCollections', (target) =>
      restoreCollectionsRequest(target, options),
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
    return this.#start('verify', (target) => verifyRequest(target, backupId, options));
  }

  /** Begins to remove backups. @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001 */
  async startPrune(options: PruneOptions): Promise<OperationHandle<PruneReport>> {
    return this.#start('prune', (target) => pruneRequest(target, options));
  }

  /**
   * Begins to verify the backups of this host's controller, all of them or a sample.
   * @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001; nothing was started then.
   */
  async startVerifyAll(options: VerifyAllOptions = {}): Promise<OperationHandle<VerifyAllReport>> {
    return this.#start('verifyAll', (target) => verifyAllRequest(target, options));
  }

  /**
   * Begins to copy a backup into another storage.
   * @throws HoldfastError HF-STORAGE-011, HF-USAGE-001 when it is the same place; HF-TEMPORAL-001,
   * HF-WORKER-001, HF-LOCK-001; nothing was started then.
   */
  async startCopy(backupId: string, options: CopyOptions): Promise<OperationHandle<CopyReport>> {
    const { storage: from } = this.config;
    const to = findStorage(this.config, options.to);
    // Only the module itself knows which place its options mean.
    const sameRoot = to.type !== 'module' && storageRoot(from) === storageRoot(to);
    if (from.name === to.name || sameRoot) {
      const problem = `storages ${from.name} and ${to.name} are the same place`;
      throw new HoldfastError('HF-USAGE-001', { problem, command: 'holdfast copy' });
    }
    return this.#start('copy', (target) => copyRequest(target, backupId, options));
  }

  async #start<K extends WorkflowStatus['kind']>(
    kind: K,
    requestOf: (target: OperationTarget) => StartRequest,
  ): Promise<{ kind: K } & Omit<OperationHandle, 'kind'>> {
    const connecting = this.connected();
    // While it connects; that this host is unknown is told before that nothing answers.
    connecting.catch(() => undefined);
    const request = requestOf({ config: this.config, host: await this.host() });
    const session = await connecting;
    const { workflow, host } = request.input.placement;
    const started = await session.call(() => startWorkflow(session, request));
    return { kind, ...started, queues: { workflow, host } };
  }
}
