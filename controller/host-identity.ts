import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, errorText, isHoldfastError } from '../core/errors';
import { machineTagPattern, uuidPattern } from '../core/ids';
import { findAgentConf, type AgentConf } from './agent-conf';
import { hasCode, isMissing } from './root-path';

/** Which controller machine a host is. Every activity on the host compares it with its operation's. */
export interface HostIdentity {
  readonly v: 1;
  /** UUID of the controller model: what identifies the controller. */
  readonly modelUuid: string;
  readonly controllerUuid: string | undefined;
  /** Tag form, `machine-0`. */
  readonly machine: string;
  /** Content of /etc/machine-id, empty where the host has none: tells a cloned machine from its original. */
  readonly machineId: string;
  /** Which of the three sources named model and machine. */
  readonly from: 'configuration' | 'agent.conf' | 'host.json';
}

/** What tells a host from every other. */
export type SameHost = Pick<HostIdentity, 'modelUuid' | 'machine' | 'machineId'>;

/** Where `identifyHost` looks. */
export interface IdentitySources {
  /** `controller.modelUuid` and `controller.machine` of holdfast.yaml. */
  readonly configured: {
    readonly modelUuid?: string | undefined;
    readonly machine?: string | undefined;
  };
  readonly root: string;
  readonly dataDir: string;
  readonly workspace: string;
  readonly machineId: string;
}

interface Known {
  readonly modelUuid?: string | undefined;
  readonly machine?: string | undefined;
  readonly controllerUuid?: string | undefined;
}

const hostFileSchema = z.object({
  v: z.literal(1),
  modelUuid: z.string().regex(uuidPattern),
  controllerUuid: z.string().regex(uuidPattern).optional(),
  machine: z.string().regex(machineTagPattern),
});

/** `<workspace>/host.json`, the identity a host remembers when agent.conf is gone. */
export function hostFilePath(workspace: string): string {
  return join(workspace, 'host.json');
}

/**
 * Which machine this host is: from the configuration, else agent.conf, else `<workspace>/host.json`.
 * A damaged agent.conf stops only a host that nothing else identifies. Reads only.
 * @throws HoldfastError HF-HOST-001 when no source tells, HF-HOST-003 when agent.conf would be the
 * only one and can't be used.
 */
export async function identifyHost(sources: IdentitySources): Promise<HostIdentity> {
  const { configured, workspace, machineId } = sources;
  let damaged: unknown;
  let conf: AgentConf | undefined;
  try {
    conf = await findAgentConf(sources.root, sources.dataDir);
  } catch (error) {
    if (!isHoldfastError(error, 'HF-HOST-003')) throw error;
    damaged = error;
  }
  const written: Known = conf
    ? { modelUuid: conf.modelUuid, machine: conf.tag, controllerUuid: conf.controllerUuid }
    : {};
  const complete = configured.modelUuid !== undefined && configured.machine !== undefined;
  const remembered: Known =
    complete || conf !== undefined ? {} : ((await readHostFile(workspace)) ?? {});
  const modelUuid = configured.modelUuid ?? written.modelUuid ?? remembered.modelUuid;
  const machine = configured.machine ?? written.machine ?? remembered.machine;
  if (modelUuid === undefined || machine === undefined) {
    if (damaged !== undefined) throw damaged;
    throw new HoldfastError('HF-HOST-001', {
      looked: `the configuration, ${join(sources.root, sources.dataDir, 'agents')} nor ${hostFilePath(workspace)}`,
    });
  }
  const agrees = (known: Known): boolean => known.modelUuid === modelUuid;
  return {
    v: 1,
    modelUuid,
    controllerUuid: [written, remembered].find(agrees)?.controllerUuid,
    machine,
    machineId,
    from: complete ? 'configuration' : conf !== undefined ? 'agent.conf' : 'host.json',
  };
}

/**
 * Writes `<workspace>/host.json` (0600, fsynced) when there is none yet; an existing one is never
 * changed. The workspace is made with mode 0700 when missing.
 * @returns whether it was written now.
 */
export async function rememberHost(workspace: string, identity: HostIdentity): Promise<boolean> {
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const { modelUuid, controllerUuid, machine } = identity;
  const path = hostFilePath(workspace);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ v: 1, modelUuid, controllerUuid, machine })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw workspaceError(workspace, error);
  }
  return true;
}

async function readHostFile(workspace: string): Promise<Known | undefined> {
  const path = hostFilePath(workspace);
  try {
    return hostFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw workspaceError(workspace, error);
  }
}

function workspaceError(workspace: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'HF-WORKSPACE-001',
    { path: workspace, reason: `host.json: ${errorText(cause)}` },
    { cause },
  );
}

function describe(identity: SameHost): string {
  const host = identity.machineId === '' ? '' : ` on host ${identity.machineId}`;
  return `${identity.machine} of controller ${identity.modelUuid}${host}`;
}

/**
 * Proves that the host that runs a step is the one its operation belongs to.
 * @throws HoldfastError HF-HOST-002 when model, machine or machine-id differ.
 */
export function requireSameHost(found: SameHost, expected: SameHost): void {
  const same =
    found.modelUuid === expected.modelUuid &&
    found.machine === expected.machine &&
    found.machineId === expected.machineId;
  if (same) return;
  throw new HoldfastError('HF-HOST-002', {
    found: describe(found),
    expected: describe(expected),
  });
}
