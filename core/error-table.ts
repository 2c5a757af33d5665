/** One row of the error table. Exit statuses are those of the README; a code's meaning never changes. */
export interface ErrorEntry {
  /** Exit status of the command line. */
  readonly exit: number;
  /** Whether trying the same step again can succeed without anybody doing anything. */
  readonly retryable: boolean;
  /** What went wrong, where and why; `{name}` is filled in. Lower case, no final point. */
  readonly message: string;
  /** What to do: whole sentences. */
  readonly hint: string;
}

/**
 * Every error Holdfast can report. The code is the type of a workflow's ApplicationFailure, the
 * command line's text and, generated from here, docs/errors.md.
 */
export const errorTable = {
  'HF-USAGE-001': {
    exit: 2,
    retryable: false,
    message: '{problem}',
    hint: 'Run `{command} --help` for the arguments it takes.',
  },
  'HF-CONFIG-001': {
    exit: 2,
    retryable: false,
    message: 'configuration {file} has {count} problem(s):\n{problems}',
    hint: 'Correct every line named above, then run `holdfast config check`.',
  },
  'HF-CONFIG-002': {
    exit: 2,
    retryable: false,
    message: 'no configuration file found; looked for {looked}',
    hint: 'Write one (docs/configuration.md has an example) or name it with --config.',
  },
  'HF-CONFIG-003': {
    exit: 12,
    retryable: false,
    message: 'the secret {reference} cannot be read: {reason}',
    hint: 'A secret is given by a `file:` or `env:` reference; the file must be readable by the user who runs Holdfast.',
  },
  'HF-TEMPORAL-001': {
    exit: 17,
    retryable: true,
    message: 'no Temporal server answers at {address}: {reason}',
    hint: 'Start one with `holdfast up`, or set temporal.address to where yours runs.',
  },
  'HF-TEMPORAL-002': {
    exit: 17,
    retryable: false,
    message: 'no Temporal CLI found; looked at {looked}',
    hint: 'Install the Temporal CLI, name it with --temporal-cli PATH, or run `holdfast up --fetch` to download it.',
  },
  'HF-TEMPORAL-003': {
    exit: 15,
    retryable: false,
    message:
      'the database of this state directory was written by Temporal server {recorded}, this one is {found}',
    hint: 'Use the recorded version, or start with --new-server-version to accept the new one for good.',
  },
  'HF-TEMPORAL-004': {
    exit: 11,
    retryable: false,
    message: 'state directory {directory} is in use by process {pid}, started {started}',
    hint: 'Stop that `holdfast up`, or give this one a --state directory of its own.',
  },
  'HF-TEMPORAL-005': {
    exit: 17,
    retryable: false,
    message: 'the Temporal server did not start within {seconds} s: {reason}',
    hint: 'Its log is {log}.',
  },
  'HF-TEMPORAL-006': {
    exit: 14,
    retryable: false,
    message:
      'namespace {namespace} lacks the search attributes {names}, and they cannot be registered: {reason}',
    hint: 'Let an administrator run `temporal operator search-attribute create --type Keyword` with a --name for each of them.',
  },
  'HF-TEMPORAL-007': {
    exit: 10,
    retryable: false,
    message: 'the Temporal server at {address} does not know run {runId} of workflow {workflowId}',
    hint: 'It runs on another Temporal server or namespace, or it ended longer ago than closed workflows are kept.',
  },
  'HF-WORKER-001': {
    exit: 17,
    retryable: false,
    message: 'no worker polls the queue {queue}{last}; nothing was started',
    hint: 'Run `holdfast worker` on {where}, or add --wait to start now and let the work wait for it.',
  },
  'HF-WORKER-002': {
    exit: 17,
    retryable: true,
    message: 'an attempt of {step} was lost: {reason}',
    hint: 'The next attempt goes on from what is on disk, on any worker of that host; if none runs there, start it with `holdfast worker`.',
  },
  'HF-HOST-001': {
    exit: 14,
    retryable: false,
    message: 'this host does not know which controller machine it is: neither {looked} tells',
    hint: 'Set controller.modelUuid and controller.machine in holdfast.yaml.',
  },
  'HF-HOST-002': {
    exit: 14,
    retryable: false,
    message: 'this host is {found}, but the operation belongs to {expected}',
    hint: 'A worker with another identity polls this queue: stop it, or correct controller.modelUuid and controller.machine there.',
  },
  'HF-HOST-003': {
    exit: 14,
    retryable: false,
    message: 'agent.conf at {path} cannot be used: {problem}',
    hint: 'Restore it from a backup, or set controller.modelUuid, controller.machine and mongo in holdfast.yaml.',
  },
  'HF-HOST-004': {
    exit: 1,
    retryable: false,
    message: 'a file this backup needs cannot be read: {path}: {reason}',
    hint: 'Run the host worker as root, and check that the file exists.',
  },
  'HF-HOST-005': {
    exit: 14,
    retryable: false,
    message: 'the database of this host is not that of a Juju controller: {problem}',
    hint: 'Check mongo.hosts; if the data is lost, restore a backup with `holdfast restore`.',
  },
  'HF-PLAN-001': {
    exit: 14,
    retryable: false,
    message:
      'the plan of this operation says {key} = {planned}, the configuration now says {found}',
    hint: 'Put the configuration back until the operation has ended, or cancel it and start again.',
  },
  'HF-HOST-006': {
    exit: 1,
    retryable: true,
    message: '{path} changed while it was read: {reason}',
    hint: 'The files are read again; if it goes on, find out what keeps writing them.',
  },
  'HF-LOCK-001': {
    exit: 11,
    retryable: false,
    message:
      'controller {controller} is busy: {type} has run since {since} (workflow {workflowId}, run {runId})',
    hint: 'Wait for it, or look at it with `holdfast watch {runId}`.',
  },
  'HF-LOCK-002': {
    exit: 11,
    retryable: false,
    message: 'an unfinished {kind} of backup {backupId} holds this host (run {runId}, {state})',
    hint: 'Finish it with `holdfast restore --resume`, or go back to the state before it with `holdfast restore --rollback`.',
  },
  'HF-LOCK-003': {
    exit: 11,
    retryable: false,
    message:
      'another Holdfast (run {runId}, Temporal {server}) holds the lease on this replica set since {since}',
    hint: 'Wait for it to end; if its Temporal is lost, run `holdfast restore --rollback` on the host that started it.',
  },
  'HF-LOCK-004': {
    exit: 11,
    retryable: false,
    message: 'backup {id} is in use: {reader}',
    hint: 'Wait for it to end; `holdfast jobs` shows it.',
  },
  'HF-FENCE-001': {
    exit: 1,
    retryable: true,
    message: 'attempt {mine} of {step} was overtaken by attempt {newer} and stopped',
    hint: 'Nothing to do: the newer attempt goes on.',
  },
  'HF-DISK-001': {
    exit: 16,
    retryable: false,
    message: '{path} has {free} free, {need} are needed for {what}',
    hint: 'Free some space there, or point workspace or storage at a larger volume.',
  },
  'HF-DISK-002': {
    exit: 16,
    retryable: true,
    message: '{path} is full, it has {free} free; {step} waits until there is space',
    hint: 'Free some space there: the step is tried again and goes on by itself.',
  },
  'HF-WORKSPACE-001': {
    exit: 14,
    retryable: false,
    message: 'workspace {path} cannot be used: {reason}',
    hint: 'It must be a directory of mode 0700 owned by the user who runs the worker, not below /tmp.',
  },
  'HF-MONGO-001': {
    exit: 1,
    retryable: true,
    message: 'no connection to mongod at {hosts}: {reason}',
    hint: 'Check that mongod runs there and that mongo.hosts and mongo.tls are right.',
  },
  'HF-MONGO-002': {
    exit: 12,
    retryable: false,
    message: 'mongod at {hosts} refused user {user}: {reason}',
    hint: 'Check mongo.username and mongo.password, or the password in agent.conf.',
  },
  'HF-MONGO-003': {
    exit: 14,
    retryable: false,
    message: 'mongod at {hosts} is not a member of a replica set',
    hint: 'Holdfast needs the oplog: start mongod with --replSet and initiate the set.',
  },
  'HF-MONGO-004': {
    exit: 1,
    retryable: true,
    message: 'mongod command {command} on {target} failed with {code}: {reason}',
    hint: "The step is tried again; if it goes on failing, look at mongod's log for this command.",
  },
  'HF-MONGO-005': {
    exit: 12,
    retryable: false,
    message: 'user {user} may not run {command} on {target}',
    hint: 'The user needs the roles Juju gives its agents: dbAdminAnyDatabase, userAdminAnyDatabase, clusterAdmin, readWriteAnyDatabase.',
  },
  'HF-MONGO-006': {
    exit: 1,
    retryable: true,
    message: 'mongod at {hosts} sent a reply that cannot be read: {reason}',
    hint: 'Check the network between worker and mongod.',
  },
  'HF-DUMP-001': {
    exit: 1,
    retryable: true,
    message: 'the dump had to start again {times} times, last because of {reason}',
    hint: 'Something keeps renaming or replacing collections; take the backup when that has ended.',
  },
  'HF-DUMP-002': {
    exit: 1,
    retryable: true,
    message: 'the oplog of {node} rolled over before it was read: {reason}',
    hint: 'Enlarge the oplog (replSetResizeOplog) or take the backup at a quieter time.',
  },
  'HF-ARCHIVE-001': {
    exit: 13,
    retryable: false,
    message: '{archive} is damaged at {where}: {reason}',
    hint: 'Restore another backup; `holdfast list` shows them. Nothing was changed.',
  },
  'HF-ARCHIVE-002': {
    exit: 13,
    retryable: false,
    message: '{archive} holds an entry that is not allowed: {entry}: {reason}',
    hint: 'This archive was not made by Juju or Holdfast, or it was tampered with. Nothing was changed.',
  },
  'HF-ARCHIVE-003': {
    exit: 15,
    retryable: false,
    message:
      '{archive} has metadata of format version {version}, which this Holdfast does not know',
    hint: 'Use a newer Holdfast.',
  },
  'HF-ARCHIVE-004': {
    exit: 1,
    retryable: false,
    message: '{path} cannot be put into a tar archive: {reason}',
    hint: 'Rename or move the file, then take the backup again.',
  },
  'HF-ARCHIVE-005': {
    exit: 15,
    retryable: false,
    message:
      '{archive} was dumped by a mongodump too old to say in {path} of which collection it is',
    hint: 'Unpack it and load its dump with `holdfast restore --from-dump`, which takes the names of the files. Nothing was changed.',
  },
  'HF-ARCHIVE-006': {
    exit: 10,
    retryable: false,
    message: '{archive} holds no {entry}',
    hint: 'See what it holds with `tar -tzf`; what Juju to 1.20 made has no metadata.json.',
  },
  'HF-SOURCE-001': {
    exit: 10,
    retryable: false,
    message: '{path} cannot be read as a dump: {reason}',
    hint: 'Name a directory or an archive that mongodump wrote, on the host whose worker restores it. Nothing was changed.',
  },
  'HF-LOCAL-001': {
    exit: 14,
    retryable: false,
    message: '{path} is there already',
    hint: 'Name another FILE, or pass --force to replace it.',
  },
  'HF-LOCAL-002': {
    exit: 1,
    retryable: false,
    message: '{path} cannot be read or written: {reason}',
    hint: 'Check the path, its permissions and the free space there, then run the same command again.',
  },
  'HF-MANIFEST-001': {
    exit: 13,
    retryable: false,
    message: 'the MANIFEST of backup {backup} cannot be read: {reason}',
    hint: 'Without its MANIFEST a backup is incomplete and is never restored. Choose another one.',
  },
  'HF-STORAGE-001': {
    exit: 10,
    retryable: false,
    message: 'storage {storage} has no backup {name}',
    hint: '`holdfast list` shows the backups that are there.',
  },
  'HF-STORAGE-002': {
    exit: 11,
    retryable: false,
    message: 'backup {name} in storage {storage} already exists{owner}',
    hint: 'A backup is never written twice. Start a new one.',
  },
  'HF-STORAGE-003': {
    exit: 2,
    retryable: false,
    message: '{kind} name {name} is not allowed in a storage',
    hint: 'Names begin with a letter or digit and hold up to 200 letters, digits, dots, underscores and hyphens.',
  },
  'HF-STORAGE-004': {
    exit: 1,
    retryable: false,
    message: '{operation} does not work on a {mode} backup handle',
    hint: 'Handles from listBackups read, handles from startBackup and resumeBackup write.',
  },
  'HF-STORAGE-005': {
    exit: 14,
    retryable: false,
    message: 'storage root {path} cannot be used: {reason}',
    hint: 'It must be a directory that only its owner can write (mode 0700).',
  },
  'HF-STORAGE-006': {
    exit: 1,
    retryable: true,
    message: 'storage {storage}: {operation} of {name} failed: {reason}',
    hint: 'The step is tried again; check the storage if it goes on failing.',
  },
  'HF-STORAGE-007': {
    exit: 13,
    retryable: false,
    message: 'backup {backup} in storage {storage} has no file {name}',
    hint: 'The backup is incomplete or damaged: choose another one.',
  },
  'HF-STORAGE-008': {
    exit: 2,
    retryable: false,
    message: 'storage type {type} is not known; known are {known}',
    hint: 'Correct storage.type in holdfast.yaml.',
  },
  'HF-STORAGE-009': {
    exit: 13,
    retryable: false,
    message: 'storage {storage} holds {name} with {found}, written were {expected}',
    hint: 'The storage lost or changed bytes. Check it before the next backup.',
  },
  'HF-STORAGE-010': {
    exit: 2,
    retryable: false,
    message: 'storage type {type} is registered already',
    hint: 'Give the other type a name of its own.',
  },
  'HF-STORAGE-011': {
    exit: 2,
    retryable: false,
    message: 'no storage is named {name} here{near}; configured: {known}',
    hint: 'The command and the host must name the same storages: compare storage.name and storages in both holdfast.yaml files.',
  },
  'HF-STORAGE-012': {
    exit: 14,
    retryable: false,
    message: 'backup {name} in storage {storage} is locked until {until}',
    hint: 'Nobody can remove it before. The lock comes from storage.retention in holdfast.yaml.',
  },
  'HF-STORAGE-013': {
    exit: 12,
    retryable: false,
    message: 'storage {storage} refuses access: {reason}',
    hint: 'Check the credentials and what they are allowed to do (docs/storage.md).',
  },
  'HF-STORAGE-014': {
    exit: 10,
    retryable: false,
    message: 'storage {storage} has no bucket {bucket}',
    hint: 'Make the bucket, or correct storage.bucket in holdfast.yaml.',
  },
  'HF-STORAGE-015': {
    exit: 2,
    retryable: false,
    message: 'storage {storage} is not configured as it should be: {problems}',
    hint: 'Correct the section storage of holdfast.yaml (docs/storage.md).',
  },
  'HF-STORAGE-016': {
    exit: 14,
    retryable: false,
    message:
      'storage {storage} did not encrypt {name} as asked: {asked} was asked for, {found} is there',
    hint: 'The service ignores or refuses that encryption. Change it, or storage.encryption in holdfast.yaml; nothing was committed.',
  },
  'HF-CATALOG-001': {
    exit: 1,
    retryable: true,
    message: 'the catalog at {hosts} cannot be used: {reason}',
    hint: 'The storage itself has everything: `list`, `info`, `find` and `restore` work without a catalog. Check that mongod runs there and that the section `catalog` is right.',
  },
  'HF-CATALOG-002': {
    exit: 2,
    retryable: false,
    message: 'there is no catalog to rebuild: catalog.type is {type}',
    hint: 'Set catalog.type to mongodb to have one (docs/configuration.md); `list` and `find` work without.',
  },
  'HF-BACKUP-001': {
    exit: 2,
    retryable: false,
    message: '{id} is not a backup id',
    hint: 'Ids look like 20060102-150405.<controller model UUID>; `holdfast list` shows them.',
  },
  'HF-BACKUP-002': {
    exit: 10,
    retryable: false,
    message: 'storage {storage} holds no backup of controller {controller}',
    hint: 'Take one with `holdfast create`.',
  },
  'HF-BACKUP-003': {
    exit: 10,
    retryable: false,
    message:
      'storage {storage} holds backups of controller {controller}, but none of them is complete',
    hint: '`holdfast list` shows what is there; take a new one with `holdfast create`.',
  },
  'HF-BACKUP-004': {
    exit: 13,
    retryable: false,
    message: 'backup {id} is incomplete: it has no MANIFEST',
    hint: 'It was interrupted and is never restored. Choose another one.',
  },
  'HF-BACKUP-005': {
    exit: 1,
    retryable: false,
    message: 'the host {host} did not come back within {time}; the {kind} was given up',
    hint: 'Start the worker there (`holdfast worker`), then start the {kind} again.',
  },
  'HF-BACKUP-006': {
    exit: 14,
    retryable: false,
    message: 'nothing tells which {what} {archive} is of',
    hint: 'It has no metadata. Run the command on the host it belongs to, or with a configuration that sets controller.modelUuid.',
  },
  'HF-BACKUP-007': {
    exit: 14,
    retryable: false,
    message: 'backup {id} is pinned',
    hint: 'Nothing removes a pinned backup. If it may go, `holdfast unpin` it first.',
  },
  'HF-BACKUP-008': {
    exit: 14,
    retryable: false,
    message: 'backup {id} is the last good one in storage {storage}',
    hint: 'It is never removed: take another one first (`holdfast create`). One in another storage does not count here.',
  },
  'HF-COPY-001': {
    exit: 14,
    retryable: false,
    message: 'storage {storage} holds backup {id}, but not the same one: {reason}',
    hint: 'Nothing was changed there. Look at it with `holdfast info {id} --storage {storage}`; if it may go, `holdfast remove {id} --storage {storage}` and copy again.',
  },
  'HF-PREFLIGHT-001': {
    exit: 14,
    retryable: false,
    message: 'the restore was refused before anything was changed:\n{problems}',
    hint: 'Correct what is named above; `holdfast restore --plan` checks again without changing anything.',
  },
  'HF-RESTORE-001': {
    exit: 14,
    retryable: false,
    message:
      'the restore was not confirmed within {minutes} min and was given up; nothing was changed',
    hint: 'Confirm at the prompt, or pass --yes.',
  },
  'HF-RESTORE-002': {
    exit: 14,
    retryable: false,
    message: 'there is no unfinished restore on this host',
    hint: '`holdfast restore ID` starts one.',
  },
  'HF-RESTORE-003': {
    exit: 1,
    retryable: false,
    message: 'the restore failed and was rolled back; the controller is as it was before: {reason}',
    hint: 'Correct the cause named above and restore again.',
  },
  'HF-RESTORE-004': {
    exit: 1,
    retryable: false,
    message:
      'the restore failed and was undone, all but {namespaces}, which --in-place had dropped: {reason}',
    hint: 'Correct the cause named above and restore again: what --in-place drops has no way back.',
  },
  'HF-LOAD-001': {
    exit: 13,
    retryable: false,
    message: '{namespace} holds {found} documents after the load, the backup holds {expected}',
    hint: 'Verify the backup with `holdfast verify`. The live data was not touched.',
  },
  'HF-LOAD-002': {
    exit: 1,
    retryable: false,
    message: 'mongod refused documents of {namespace} with {code}: {reason}',
    hint: "The live data was not touched. Look at mongod's log for the reason.",
  },
  'HF-LOAD-003': {
    exit: 13,
    retryable: false,
    message: '{namespace} was not made as it was: {what} is {found}, the backup has {expected}',
    hint: "Look at mongod's log for the reason. The live data was not touched.",
  },
  'HF-LOAD-004': {
    exit: 13,
    retryable: false,
    message: 'mongod refused to make {namespace} with {code}: {reason}',
    hint: 'Its options in the backup are none that this mongod takes. The live data was not touched. Restore the other collections with --exclude, or all of them on the release of mongod that the backup is of.',
  },
  'HF-LOAD-005': {
    exit: 13,
    retryable: false,
    message: 'mongod refused to build the indexes of {namespace} with {code}: {reason}',
    hint: 'They do not fit this mongod, or the documents. The live data was not touched. Restore the other collections with --exclude, or all of them on the release of mongod that the backup is of.',
  },
  'HF-REPLAY-001': {
    exit: 13,
    retryable: false,
    message: 'the oplog of this backup cannot be replayed: entry {position} ({kind}): {reason}',
    hint: 'The live data was not touched. Restore another backup.',
  },
  'HF-REPLAY-002': {
    exit: 13,
    retryable: false,
    message: '{count} update(s) of the oplog met no document, first in {namespace}',
    hint: 'The dump and its oplog do not belong together. The live data was not touched. Restore another backup.',
  },
  'HF-SWAP-001': {
    exit: 14,
    retryable: true,
    message: 'other clients are still connected to mongod: {clients}',
    hint: 'Stop them. The restore looks a few times within 15 s, then starts the agents again and gives up: restore once more when they are gone.',
  },
  'HF-SWAP-002': {
    exit: 1,
    retryable: false,
    message: '{namespace} has UUID {found}, the swap journal knows {known}',
    hint: 'Somebody changed collections during the restore. Run `holdfast restore --rollback`.',
  },
  'HF-SWAP-003': {
    exit: 14,
    retryable: false,
    message:
      'the time series {namespace} cannot be loaded: something has its name, or that of its buckets',
    hint: 'A time series cannot be renamed, so there must be none where one is loaded. Restore it under another name (--as), drop what is there, or replace a time series with --in-place.',
  },
  'HF-SERVICE-001': {
    exit: 1,
    retryable: true,
    message: 'service {service} could not be {action}: {reason}',
    hint: 'Look at `systemctl status {service}` on the host.',
  },
  'HF-SERVICE-002': {
    exit: 1,
    retryable: true,
    message: 'service {service} was started but is not alive after {seconds} s',
    hint: 'Look at its log on the host.',
  },
  'HF-FILES-001': {
    exit: 1,
    retryable: false,
    message: '{path} cannot be {action}: {reason}',
    hint: 'Run the host worker as root and check the file system.',
  },
  'HF-CANCEL-001': {
    exit: 130,
    retryable: false,
    message: 'the {kind} was cancelled; {outcome}',
    hint: 'Start it again when you want to.',
  },
  'HF-CANCEL-002': {
    exit: 14,
    retryable: false,
    message: 'the restore is past its point of no return; a cancel can only roll it back',
    hint: 'Wait for its end, or go back to the state before with `holdfast cancel --rollback`.',
  },
  'HF-CANCEL-003': {
    exit: 14,
    retryable: false,
    message: 'the restore is done and removes what was before: there is no way back any more',
    hint: 'Wait for its end; to go back to an older state, restore another backup.',
  },
  'HF-JOB-001': {
    exit: 10,
    retryable: false,
    message: 'controller {controller} has {what}',
    hint: '`holdfast jobs` shows what runs and what ran, and whether an interrupted operation waits on this host.',
  },
  'HF-JOB-002': {
    exit: 17,
    retryable: false,
    message: 'no worker answered on the queue {queue}{last} within {seconds} s',
    hint: 'Run `holdfast worker` and ask again; the operation goes on or waits meanwhile.',
  },
  'HF-INTERNAL-001': {
    exit: 1,
    retryable: true,
    message: 'unexpected: {reason}',
    hint: 'This is a defect of Holdfast: please report it with the log of the worker.',
  },
} as const satisfies Record<string, ErrorEntry>;

/** Code of an error: `HF-AREA-NNN`. Codes are never reused. */
export type ErrorCode = keyof typeof errorTable;
