import { SimplePlugin } from '@temporalio/plugin';
import type { ReplayWorkerOptions, WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities';
import { failureInterceptor } from '../activities/failure-interceptor';
import { processEnvironment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { hostDependencies } from './host-dependencies';
import { workflowBundlePath } from './workflow-worker';

/** What of Holdfast a worker with the plugin takes. */
export interface HoldfastPluginOptions {
  /** The steps of this host. Default true; a worker that only runs workflows sets false. */
  readonly activities?: boolean;
  /** The workflows, when the worker has none of its own. Default true; a host's worker sets false. */
  readonly workflows?: boolean;
}

/**
 * Adds Holdfast to a worker of your own:
 *
 *     Worker.create({ connection, taskQueue, plugins: [new HoldfastPlugin(config)] })
 *
 * Attach it once: to the worker or to its connection, not to both. Workflows come from one module
 * in the SDK, so a worker that has workflows of its own keeps them and exports ours from there
 * (`export * from 'holdfast/workflows'`). The steps of a host are sent to the queue
 * `holdfast-host/MODEL-UUID/MACHINE`: the worker that runs them must poll that one.
 *
 * @experimental As the plugin interface of the SDK itself.
 */
export class HoldfastPlugin extends SimplePlugin {
  readonly #activities: Readonly<Record<string, unknown>>;
  readonly #workflows: boolean;

  constructor(config: HoldfastConfig, options: HoldfastPluginOptions = {}) {
    const { activities = true, workflows = true } = options;
    const dependencies = activities ? hostDependencies(config, processEnvironment()) : undefined;
    const steps = dependencies === undefined ? {} : createActivities(dependencies.activities);
    super({
      name: 'holdfast.HoldfastPlugin',
      activities: steps,
      ...(activities ? { workerInterceptors: { activity: [failureInterceptor] } } : {}),
      runContext: async (next) => {
        try {
          await next();
        } finally {
          await dependencies?.close();
        }
      },
    });
    this.#activities = { ...steps };
    this.#workflows = workflows;
  }

  /** @throws TypeError when the worker has an activity of the same name: the SDK would drop one silently. */
  override configureWorker(options: WorkerOptions): WorkerOptions {
    const existing = new Map(Object.entries(options.activities ?? {}));
    const clashes = Object.entries(this.#activities)
      .filter(([name, step]) => existing.has(name) && existing.get(name) !== step)
      .map(([name]) => name);
    if (clashes.length > 0) {
      throw new TypeError(`activities named like Holdfast's: ${clashes.join(', ')}; rename them`);
    }
    return this.#withWorkflows(super.configureWorker(options));
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    return this.#withWorkflows(super.configureReplayWorker(options));
  }

  #withWorkflows<T extends WorkerOptions | ReplayWorkerOptions>(options: T): T {
    const own = options.workflowBundle !== undefined || options.workflowsPath !== undefined;
    if (own || !this.#workflows) return options;
    return { ...options, workflowBundle: { codePath: workflowBundlePath() } };
  }
}
