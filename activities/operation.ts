import { storageRoot } from '../config/storage-schema';
import { findStorage } from '../config/storages';
import { HoldfastError } from '../core/errors';
import type { HostIdentity, OperationRef, Plan } from '../core/operation';
import { identifyHost, rememberHost, requireSameHost } from '../controller/host-identity';
import type { ActivityDependencies } from './dependencies';
import type { Attempt } from './step';
import { requireJournal, type Journal } from './workspace/journal';
import { Workspace } from './workspace/workspace';

/** Who this host is, from configuration, agent.conf or what it remembers; remembered from now on. */
export async function identifyThisHost(dependencies: ActivityDependencies): Promise<HostIdentity> {
  const { config, environment } = dependencies;
  const identity = await identifyHost({
    configured: { modelUuid: config.controller.modelUuid, machine: config.controller.machine },
    root: config.controller.root,
    dataDir: config.controller.dataDir,
    workspace: config.workspace,
    machineId: environment.machineId ?? '',
  });
  await new Workspace(config.workspace).ensure();
  await rememberHost(config.workspace, identity);
  const { modelUuid, machine, machineId } = identity;
  return { modelUuid, machine, machineId };
}

/** The settings that an operation begun now is bound to. @throws HoldfastError HF-STORAGE-011 */
export function currentPlan(dependencies: ActivityDependencies, storage: string): Plan {
  const { config } = dependencies;
  return {
    storage,
    storageRoot: storageRoot(findStorage(config, storage)),
    root: config.controller.root,
    dataDir: config.controller.dataDir,
    workspace: config.workspace,
    compressor: config.limits.compressor,
    level: config.limits.level,
    memberSize: config.limits.memberSize,
  };
}

/** A step's place in the world, once it is proven that it runs where and as its operation began. */
export interface Place {
  readonly workspace: Workspace;
  /** Directory of the run, mode 0700. */
  readonly directory: string;
}

/**
 * Proves that this host and its configuration are those the operation began with.
 * @throws HoldfastError HF-HOST-002, HF-PLAN-001; HF-WORKSPACE-001 when the run has no directory any more.
 */
export async function enterOperation(
  dependencies: ActivityDependencies,
  ref: OperationRef,
): Promise<Place> {
  const workspace = await proveSame(dependencies, ref);
  return { workspace, directory: await workspace.requireRun(ref.runId) };
}

/** As enterOperation, for the first step that writes into the run's directory: it makes it. */
export async function enterFirst(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<Place> {
  const workspace = await proveSame(dependencies, ref);
  const wanted = (): Promise<void> => attempt.requireWanted();
  return { workspace, directory: await workspace.ensureWantedRun(ref.runId, wanted) };
}

/** As enterOperation, for steps that change the host, mongod or the storage: the journal must name this run. */
export async function enterJournaled(
  dependencies: ActivityDependencies,
  ref: OperationRef,
): Promise<Place & { readonly journal: Journal }> {
  const workspace = await proveSame(dependencies, ref);
  const journal = await requireJournal(workspace, ref);
  return { workspace, directory: await workspace.requireRun(ref.runId), journal };
}

async function proveSame(
  dependencies: ActivityDependencies,
  ref: OperationRef,
): Promise<Workspace> {
  requireSameHost(await identifyThisHost(dependencies), ref.host);
  requirePlan(currentPlan(dependencies, ref.plan.storage), ref.plan);
  return new Workspace(dependencies.config.workspace);
}

function requirePlan(found: Plan, planned: Plan): void {
  const keys = [
    'storage',
    'storageRoot',
    'root',
    'dataDir',
    'workspace',
    'compressor',
    'level',
    'memberSize',
  ] as const;
  for (const key of keys) {
    if (found[key] === planned[key]) continue;
    throw new HoldfastError('HF-PLAN-001', { key, planned: planned[key], found: found[key] });
  }
}
