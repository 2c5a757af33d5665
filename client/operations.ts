import type { HoldfastConfig } from '../config/holdfast-config';
import type { HostIdentity } from '../controller/host-identity';
import {
  controllerWorkflowId,
  hostQueue,
  repositoryWorkflowId,
  verifyWorkflowId,
  workflowQueue,
} from '../core/ids';
import { fitBytes } from '../core/fit-bytes';
import type {
  BackupChoice,
  BackupInput,
  CollectionChoice,
  CollectionSource,
  OperationLimits,
  Placement,
  RestoreCollectionsInput,
  PruneInput,
  PruneRules,
  RestoreInput,
  VerifyInput,
} from '../core/messages';
import type { OplogMoment } from '../core/oplog-limit';
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

export interface BackupOptions extends StartOptions {
  readonly notes?: string;
  /** Format of metadata.json; chosen by the controller's own Juju version by default. */
  readonly metadataFormat?: 0 | 1 | 2;
}

export interface RestoreOptions extends StartOptions {
  /** `resume` and `rollback` take up the restore that the host's journal names. Default `restore`. */
  readonly action?: RestoreInput['action'];
  readonly backup: BackupChoice;
  /** Stop after the preflight. Default false. */
  readonly planOnly?: boolean;
  /** Do not wait for `confirmRestore`. Default false. */
  readonly confirmed?: boolean;
  /** Keep what was replaced beside what was restored. Default false. */
  readonly keepOld?: boolean;
  /** Entries of the oplog window from this moment on are not replayed. */
  readonly oplogLimit?: OplogMoment;
}

export interface RestoreCollectionsOptions extends StartOptions {
  /** A backup, or the absolute path of what mongodump wrote, on the host. */
  readonly source: CollectionSource;
  /** Which collections, and under which names. Default: all, under their own. */
  readonly choice?: Partial<CollectionChoice>;
  /** Replace collections that exist. Default false. */
  readonly replace?: boolean;
  /** Drop time series that exist and load them anew, with no way back. Default false. */
  readonly inPlace?: boolean;
  /** Entries of the oplog from this moment on are not replayed. */
  readonly oplogLimit?: OplogMoment;
  /** Stop after the preflight. Default false. */
  readonly planOnly?: boolean;
  /** Do not wait for `confirmRestore`. Default false. */
  readonly confirmed?: boolean;
  /** Keep what was replaced. Default false. */
  readonly keepOld?: boolean;
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

function common({ config, host }: OperationTarget) {
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

function request(
  target: OperationTarget,
  kind: StartRequest['kind'],
  input: BackupInput | RestoreCollectionsInput | RestoreInput | PruneInput | VerifyInput,
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
function oneLine(text: string): string {
  return fitCells(text.replace(/\s+/g, ' ').trim(), 100);
}

function label({ config, host }: OperationTarget): string {
  return `${oneLine(config.controller.name ?? host.modelUuid)} (${host.machine})`;
}

/** Markdown for the Web UI: what is done to which controller, and how to stop it there. */
function details(target: OperationTarget, what: string, stop: string): string {
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

/** The workflow `backup` with its input. */
export function backupRequest(target: OperationTarget, options: BackupOptions): StartRequest {
  const { notes = '', metadataFormat } = options;
  const input: BackupInput = {
    ...common(target),
    notes,
    purpose: 'manual',
    ...(metadataFormat === undefined ? {} : { metadataFormat }),
  };
  const about = notes === '' ? '' : `: ${oneLine(notes)}`;
  const texts = {
    summary: `backup of ${label(target)}${about}`,
    details: details(
      target,
      'Takes a backup: it will be in the storage complete, or not at all.',
      'To stop it, request its cancellation: what it wrote is then removed. Terminated, it leaves that to the next operation.',
    ),
  };
  return request(target, 'backup', input, texts, options);
}

/** The workflow `restore` with its input. */
export function restoreRequest(target: OperationTarget, options: RestoreOptions): StartRequest {
  const { action = 'restore', backup, planOnly = false, confirmed = false } = options;
  const input: RestoreInput = {
    ...common(target),
    action,
    backup,
    planOnly,
    confirmed,
    keepOld: options.keepOld ?? false,
    ...(options.oplogLimit === undefined ? {} : { oplogLimit: options.oplogLimit }),
  };
  const what = action !== 'restore' ? action : 'id' in backup ? backup.id : 'the newest backup';
  const texts = {
    summary: `${planOnly ? 'plan of a restore' : 'restore'} of ${label(target)}: ${what}`,
    details: details(
      target,
      `${planOnly ? 'Checks whether a restore would succeed, and changes nothing' : 'Restores'}: ${what}.`,
      'To stop it, request its cancellation: up to the swap everything then is as it was. Never terminate it: `holdfast restore --resume` or `--rollback` would have to end it.',
    ),
  };
  const id = 'id' in backup && action === 'restore' ? backup.id : undefined;
  return { ...request(target, 'restore', input, texts, options), backupId: id };
}

/** The workflow `restoreCollections` with its input. */
export function restoreCollectionsRequest(
  target: OperationTarget,
  options: RestoreCollectionsOptions,
): StartRequest {
  const {
    source,
    choice = {},
    replace = false,
    inPlace = false,
    oplogLimit,
    planOnly = false,
  } = options;
  const { include = [], exclude = [], rename } = choice;
  const input: RestoreCollectionsInput = {
    ...common(target),
    source,
    choice: { include, exclude, ...(rename === undefined ? {} : { rename }) },
    replace,
    inPlace,
    ...(oplogLimit === undefined ? {} : { oplogLimit }),
    planOnly,
    confirmed: options.confirmed ?? false,
    keepOld: options.keepOld ?? false,
  };
  const id = 'backup' in source && 'id' in source.backup ? source.backup.id : undefined;
  const from = 'dump' in source ? source.dump : (id ?? 'the newest backup');
  const what = include.length === 0 ? 'all collections' : include.join(', ');
  const texts = {
    summary: `restore of collections of ${label(target)}: ${oneLine(what)}`,
    details: details(
      target,
      `Restores ${what} from ${from} beside everything else.`,
      'To stop it, request its cancellation: everything then is as it was. Terminated, it leaves that to the next operation.',
    ),
  };
  return { ...request(target, 'restoreCollections', input, texts, options), backupId: id };
}

export interface PruneOptions extends StartOptions {
  /** Backups to remove; full ids. */
  readonly ids?: readonly string[];
  /** Or what to keep. */
  readonly rules?: PruneRules;
}

/** The workflow `prune` with its input. */
export function pruneRequest(target: OperationTarget, options: PruneOptions): StartRequest {
  const { ids, rules } = options;
  const input: PruneInput = {
    ...common(target),
    ...(ids === undefined ? {} : { ids }),
    ...(rules === undefined ? {} : { rules }),
  };
  const what = ids === undefined ? 'backups that no rule keeps' : ids.join(', ');
  const texts = {
    summary: `removal of ${what} of ${label(target)}`,
    details: details(
      target,
      `Removes ${what} from the storage.`,
      'Cancelled or terminated, it has removed some of them whole and left the others whole.',
    ),
  };
  return {
    ...request(target, 'prune', input, texts, options),
    workflowId: repositoryWorkflowId(target.host.modelUuid),
  };
}

/** The workflow `verify` with its input; one verification of a backup serves all who ask. */
export function verifyRequest(
  target: OperationTarget,
  backupId: string,
  options: StartOptions,
): StartRequest {
  const input: VerifyInput = { ...common(target), backupId };
  const texts = {
    summary: `verify ${label(target)}: ${backupId}`,
    details: details(
      target,
      `Reads every byte of backup \`${backupId}\` and proves it.`,
      'It changes nothing, and may be cancelled or terminated at any time.',
    ),
  };
  return {
    ...request(target, 'verify', input, texts, options),
    workflowId: verifyWorkflowId(target.host.modelUuid, backupId),
    backupId,
    attach: true,
  };
}
