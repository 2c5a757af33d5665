import type { HoldfastConfig } from '../config/holdfast-config';
import type { HostIdentity } from '../controller/host-identity';
import { fitBytes } from '../core/fit-bytes';
import { controllerWorkflowId, hostQueue, workflowQueue } from '../core/ids';
import type { OperationLimits, Placement } from '../core/messages';
import { fitCells } from './render/table';
import type { StartRequest } from './start';

/** What every start takes. */
export interface StartOptions {
  /** Start although no worker polls: the work begins when one does. Default false. */
  readonly wait?: boolean;
  /**
   * Follow the operation of the same type (and about the same backup, when one is named) that runs
   * already, instead of refusing. Default false; verifications always do.
   */
  readonly attach?: boolean;
}

/** Where and for whom operations run: the configuration and the host they belong to. */
export interface OperationTarget {
  readonly config: HoldfastConfig;
  readonly host: HostIdentity;
}

/** Bytes: Temporal takes 400 for a summary and 20,000 for details, with the payload around them. */
const summaryLimit = 360;
const detailsLimit = 9_000;
/** Milliseconds; a worker that polls takes a step at once. */
const hostNotice = 30_000;

/** What every input has. */
export function common({ config, host }: OperationTarget) {
  const queue = hostQueue(host.modelUuid, host.machine);
  // A file storage is reached on its host only; what can be reached from anywhere, from there too.
  const placement: Placement = { workflow: workflowQueue, host: queue, storage: queue };
  const { heartbeatTimeout, hostWait, confirmWait } = config.limits;
  const limits: OperationLimits = { heartbeatTimeout, hostWait, hostNotice, confirmWait };
  return {
    v: 1,
    controller: host.modelUuid,
    ...(config.controller.name === undefined ? {} : { controllerName: config.controller.name }),
    machine: host.machine,
    storage: config.storage.name,
    placement,
    limits,
  } as const;
}

/** A start; texts are cut to what the server takes. Its workflow id is that of the controller. */
export function request(
  target: OperationTarget,
  kind: StartRequest['kind'],
  input: StartRequest['input'],
  texts: { readonly summary: string; readonly details: string },
  options: StartOptions,
): StartRequest {
  return {
    kind,
    workflowId: controllerWorkflowId(target.host.modelUuid),
    input,
    machine: target.host.machine,
    summary: fitBytes(texts.summary, summaryLimit),
    details: fitBytes(texts.details, detailsLimit),
    wait: options.wait ?? false,
    attach: options.attach ?? false,
  };
}

/** One line of at most 100 cells: the server takes 400 bytes. */
export function oneLine(text: string): string {
  return fitCells(text.replace(/\s+/g, ' ').trim(), 100);
}

/** Which controller, on one line. */
export function label({ config, host }: OperationTarget): string {
  return `${oneLine(config.controller.name ?? host.modelUuid)} (${host.machine})`;
}

/** Markdown for the Web UI: what is done to which controller, and how to stop it there. */
export function details(target: OperationTarget, what: string, stop: string): string {
  const { config, host } = target;
  const name = config.controller.name === undefined ? '' : `${oneLine(config.controller.name)}, `;
  return [
    what,
    [
      `- controller: ${name}\`${host.modelUuid}\``,
      `- machine: ${host.machine}`,
      `- storage: \`${config.storage.name}\``,
    ].join('\n'),
    stop,
  ].join('\n\n');
}
