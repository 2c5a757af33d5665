import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { HostSteps } from '../../activities/steps';
import type {
  BackupInput,
  OperationLimits,
  Placement,
  RestoreInput,
  VerifyInput,
} from '../../core/messages';
import { requireBuild } from '../client/built-command';
import { modelUuid } from '../client/temporary';
import { registerSearchAttributes } from '../../worker/search-attributes';

export const backupId = `20260102-030405.${modelUuid}`;
const queue = 'holdfast';
const placement: Placement = { workflow: queue, host: queue, storage: queue };
const limits: OperationLimits = {
  heartbeatTimeout: 5_000,
  hostWait: 60_000,
  hostNotice: 30_000,
  confirmWait: 60_000,
};
const common = {
  v: 1,
  controller: modelUuid,
  machine: 'machine-0',
  storage: 'attic',
  placement,
  limits,
} as const;

export const backupInput: BackupInput = { ...common, notes: '', purpose: 'manual' };
export const verifyInput: VerifyInput = { ...common, backupId };
export const restoreInput: RestoreInput = {
  ...common,
  action: 'restore',
  backup: { id: backupId },
  planOnly: false,
  confirmed: true,
  keepOld: false,
};

/** A real dev server and a worker of the built workflow bundle, with steps that only take notes. */
export class FakeHost {
  /** Steps in the order they began; one that was cancelled is followed by `NAME cancelled`. */
  readonly steps: string[] = [];
  /** Steps that wait until they are let go or cancelled. */
  readonly #held = new Map<string, { until: Promise<void>; silent: boolean }>();
  readonly #workers: { readonly worker: Worker; readonly ended: Promise<void> }[] = [];

  private constructor(readonly server: TestWorkflowEnvironment) {}

  static async start(): Promise<FakeHost> {
    requireBuild();
    const path = process.env['HOLDFAST_TEMPORAL_CLI'] ?? '';
    const server = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        log: { format: 'json', level: 'never' },
      },
    });
    await registerSearchAttributes(server.connection, 'default');
    const host = new FakeHost(server);
    await host.#work(queue, {
      workflowBundle: { codePath: join(__dirname, '../../dist/workflow-bundle.js') },
    });
    return host;
  }

  /** Takes the steps of another queue too. */
  serve(taskQueue: string): Promise<void> {
    return this.#work(taskQueue, {});
  }

  /**
   * The next time this step runs it waits for what is returned to be called, or for a cancel; `silent`,
   * as a worker does that died: without a heartbeat.
   */
  hold(name: keyof HostSteps, options: { readonly silent?: boolean } = {}): () => void {
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    this.#held.set(name, { until, silent: options.silent ?? false });
    return release;
  }

  async stop(): Promise<void> {
    for (const { worker, ended } of this.#workers) {
      worker.shutdown();
      await ended;
    }
    await this.server.teardown();
  }

  async #work(taskQueue: string, options: Partial<WorkerOptions>): Promise<void> {
    const worker = await Worker.create({
      connection: this.server.nativeConnection,
      taskQueue,
      activities: this.#activities(),
      maxHeartbeatThrottleInterval: 100,
      ...options,
    });
    this.#workers.push({ worker, ended: worker.run() });
  }

  /** What each step answers, as far as the workflows read it. */
  #activities(): Record<string, (...args: unknown[]) => Promise<unknown>> {
    const ref = { backupId };
    const archive = { name: 'a.tar.gz', size: 1, sha256: 's', sha1Base64: 'c' };
    const preflight = {
      v: 1,
      backupId,
      checks: [],
      collections: 1,
      documents: 2,
      bytes: 3,
      files: 4,
    };
    const results: Record<keyof HostSteps, object | undefined> = {
      prepareBackup: { ref },
      dumpDatabase: { collections: 1, documents: 2, bytes: 3, oplogEntries: 3 },
      bundleFiles: { files: 4, bytes: 5, skipped: 0 },
      composeArchive: { size: 1 },
      inspectRope: { archive, entries: 6 },
      storeArchive: { stored: 1 },
      verifyStored: { verified: 1 },
      commitBackup: { outcome: 'complete' },
      finishBackup: undefined,
      undoBackup: undefined,
      locateBackup: { backupId, archive },
      prepareRestore: { ref, pastNoReturn: false, finishing: false },
      fetchArchive: archive,
      inspectArchive: { entries: 6, documents: 2, bytes: 3 },
      preflightRestore: preflight,
      beginRestore: {},
      loadStaged: { collections: 1, documents: 2, oplogEntries: 3 },
      stageFiles: { files: 4 },
      stopAgents: undefined,
      swapDatabase: undefined,
      swapFiles: undefined,
      restoreUsers: undefined,
      startAgents: { downtime: 5 },
      finishRestore: undefined,
      undoRestore: undefined,
      discardRun: undefined,
      prepareCollections: ref,
      fetchCollections: { read: 1 },
      inspectCollections: { entries: 6, documents: 2, bytes: 3 },
      preflightCollections: preflight,
      loadCollections: { collections: 1, documents: 2, oplogEntries: 3 },
      swapCollections: { replaced: 0 },
      loadInPlace: { collections: 1, documents: 2, oplogEntries: 3 },
      pruneBackups: undefined,
      verifyBackup: undefined,
      chooseBackups: { ids: [backupId], left: 0, incomplete: 0 },
      prepareCopy: { present: false, archive, files: 2, bytes: 9_000 },
      copyFiles: { copied: 9_000 },
      verifyCopied: { verified: 9_000 },
      commitCopy: undefined,
      clearCopy: undefined,
    };
    return Object.fromEntries(
      Object.entries(results).map(([name, result]) => [
        name,
        async () => {
          this.steps.push(name);
          await this.#wait(name);
          return { ...result, v: 1 };
        },
      ]),
    );
  }

  async #wait(name: string): Promise<void> {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    const context = Context.current();
    const beat = setInterval(() => {
      if (!held.silent) context.heartbeat();
    }, 50);
    try {
      await Promise.race([held.until, context.cancelled]);
    } catch (error) {
      this.steps.push(`${name} cancelled`);
      throw error;
    } finally {
      clearInterval(beat);
    }
  }
}
