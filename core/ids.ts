import { HoldfastError } from './errors';

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** `YYYYMMDD-HHMMSS` in UTC, as Juju names its backups. */
export function timestamp(at: Date): string {
  const day = `${pad(at.getUTCFullYear(), 4)}${pad(at.getUTCMonth() + 1)}${pad(at.getUTCDate())}`;
  return `${day}-${pad(at.getUTCHours())}${pad(at.getUTCMinutes())}${pad(at.getUTCSeconds())}`;
}

/** Backup id: `YYYYMMDD-HHMMSS.<controller model UUID>`, the form Juju itself gave its stored backups. */
export function backupId(started: Date, modelUuid: string): string {
  return `${timestamp(started)}.${modelUuid}`;
}

const uuidText = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const backupIdPattern = new RegExp(`^(\\d{8}-\\d{6})\\.(${uuidText})$`);
export const uuidPattern = new RegExp(`^${uuidText}$`);

/** Machine tag as Juju writes it: `machine-0`; containers have `machine-0-lxd-1`. */
export const machineTagPattern = /^machine-\d+(-[a-z]+-\d+)*$/;

/** The parts of a backup id. @throws HoldfastError HF-BACKUP-001 when it is none. */
export function parseBackupId(id: string): { timestamp: string; modelUuid: string } {
  const match = backupIdPattern.exec(id);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new HoldfastError('HF-BACKUP-001', { id: quoteName(id.slice(0, 80)) });
  }
  return { timestamp: match[1], modelUuid: match[2] };
}

/** When the backup of that id was started, in UTC, whole seconds. */
export function backupStarted(id: string): Date {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})(\d{2})$/.exec(parseBackupId(id).timestamp) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** `juju-backup-YYYYMMDD-HHMMSS.tar.gz`, the archive of that backup. */
export function archiveName(id: string): string {
  return `juju-backup-${parseBackupId(id).timestamp}.tar.gz`;
}

/** Workflow id under which backups and restores of a controller exclude each other. */
export function controllerWorkflowId(modelUuid: string): string {
  return `holdfast/${modelUuid}`;
}

/** Workflow id under which changes of a controller's backups in the storage exclude each other. */
export function repositoryWorkflowId(modelUuid: string): string {
  return `${controllerWorkflowId(modelUuid)}/repository`;
}

/** Workflow id of the verification of one backup in one storage. */
export function verifyWorkflowId(modelUuid: string, storage: string, id: string): string {
  return `${controllerWorkflowId(modelUuid)}/verify/${storage}/${id}`;
}

/** Workflow id of the verification of several backups in one storage. */
export function verifyAllWorkflowId(modelUuid: string, storage: string): string {
  return `${controllerWorkflowId(modelUuid)}/verify-all/${storage}`;
}

/** Task queue for workflows and for what any worker may do. */
export const workflowQueue = 'holdfast';

/** Task queue for one host's own work. */
export function hostQueue(modelUuid: string, machine: string): string {
  return `holdfast-host/${modelUuid}/${machine}`;
}

const notPrintable = /[\p{Cc}\p{Cf}\u2028\u2029"\\]/u;
const control = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text for people on one line: control and other non-printing characters are written as `\u{1b}`. */
export function escapeControl(text: string): string {
  return text.replace(control, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A name for people: quoted and escaped when it holds control or other non-printing characters. */
export function quoteName(name: string): string {
  if (!notPrintable.test(name)) return name;
  return escapeControl(JSON.stringify(name));
}

/** Databases and collections that Holdfast never dumps, replays, swaps or compares. */
export function isExcludedNamespace(database: string, collection?: string): boolean {
  if (['backups', 'local', 'config', 'admin'].includes(database)) return true;
  if (database.startsWith('holdfast')) return true;
  return collection?.startsWith('hf-') ?? false;
}
