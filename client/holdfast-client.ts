import { processEnvironment } from '../config/environment';
import { loadConfig } from '../config/load';
import { HoldfastError } from '../core/errors';
import type {
  BackupReport,
  PruneReport,
  RestoreCollectionsReport,
  RestoreReport,
  VerifyReport,
  WorkflowStatus,
} from '../core/messages';
import { choiceProblem } from '../core/namespace-selection';
import type { OperationHandle } from './operation-handle';
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
import { startWorkflow, type StartRequest } from './start';
import { StartedOperations } from './started-operations';

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
  /** By the file named, else the first found. @throws HoldfastError HF-CONFIG-001, HF-CONFIG-002 */
  static async load(file?: string): Promise<HoldfastClient> {
    const environment = processEnvironment();
    const { config } = await loadConfig({ environment, file });
    return new HoldfastClient(config, environment);
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

  /** Begins to remove backups. @throws HoldfastError HF-TEMPORAL-001, HF-WORKER-001, HF-LOCK-001 */
  async startPrune(options: PruneOptions): Promise<OperationHandle<PruneReport>> {
    return this.#start('prune', pruneRequest(await this.#target(), options));
  }

  async #start<K extends WorkflowStatus['kind']>(
    kind: K,
    request: StartRequest,
  ): Promise<{ kind: K } & Omit<OperationHandle, 'kind'>> {
    const session = await this.connected();
    const { workflow, host } = request.input.placement;
    const started = await session.call(() => startWorkflow(session, request));
    return { kind, ...started, queues: { workflow, host } };
  }

  async #target() {
    return { config: this.config, host: await this.host() };
  }
}
