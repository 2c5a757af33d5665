import type {
  BackupChoice,
  BackupInput,
  CollectionChoice,
  CollectionSource,
  RestoreCollectionsInput,
  RestoreInput,
} from '../core/messages';
import type { OplogMoment } from '../core/oplog-limit';
import {
  common,
  details,
  label,
  oneLine,
  request,
  type OperationTarget,
  type StartOptions,
} from './operation-request';
import type { StartRequest } from './start';

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
