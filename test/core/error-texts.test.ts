import { errorTable, type ErrorCode } from '../../core/error-table';
import { HoldfastError, type ErrorParams } from '../../core/errors';

/** What an error of a code says when it is made with these values: the exact texts an operator reads. */
type Texts = {
  readonly [C in ErrorCode]: {
    readonly params: ErrorParams<C>;
    readonly message: string;
    readonly hint: string;
  };
};

const texts: Texts = {
  'HF-USAGE-001': {
    params: { problem: 'a command is missing', command: 'holdfast restore' },
    message: 'a command is missing',
    hint: 'Run `holdfast restore --help` for the arguments it takes.',
  },
  'HF-CONFIG-001': {
    params: {
      file: '/etc/holdfast/holdfast.yaml',
      count: 2,
      problems: '  1:1 storage: is missing',
    },
    message:
      'configuration /etc/holdfast/holdfast.yaml has 2 problem(s):\n  1:1 storage: is missing',
    hint: 'Correct every line named above, then run `holdfast config check`.',
  },
  'HF-CONFIG-002': {
    params: { looked: './holdfast.yaml, /etc/holdfast/holdfast.yaml' },
    message: 'no configuration file found; looked for ./holdfast.yaml, /etc/holdfast/holdfast.yaml',
    hint: 'Write one (docs/configuration.md has an example) or name it with --config.',
  },
  'HF-CONFIG-003': {
    params: { reference: '{env: MONGO_PASSWORD}', reason: 'the variable is not set' },
    message: 'the secret {env: MONGO_PASSWORD} cannot be read: the variable is not set',
    hint: 'A secret is given by a `file:` or `env:` reference; the file must be readable by the user who runs Holdfast.',
  },
  'HF-TEMPORAL-001': {
    params: { address: '127.0.0.1:7233', reason: 'connect ECONNREFUSED' },
    message: 'no Temporal server answers at 127.0.0.1:7233: connect ECONNREFUSED',
    hint: 'Start one with `holdfast up`, or set temporal.address to where yours runs.',
  },
  'HF-TEMPORAL-002': {
    params: { looked: 'PATH, /home/ubuntu/.cache/holdfast' },
    message: 'no Temporal CLI found; looked at PATH, /home/ubuntu/.cache/holdfast',
    hint: 'Install the Temporal CLI, name it with --temporal-cli PATH, or run `holdfast up --fetch` to download it.',
  },
  'HF-TEMPORAL-003': {
    params: { recorded: '1.31.0', found: '1.30.0' },
    message:
      'the database of this state directory was written by Temporal server 1.31.0, this one is 1.30.0',
    hint: 'Use the recorded version, or start with --new-server-version to accept the new one for good.',
  },
  'HF-TEMPORAL-004': {
    params: {
      directory: '/var/lib/holdfast/temporal',
      pid: 4242,
      started: '2026-11-21T09:03:16.000Z',
    },
    message:
      'state directory /var/lib/holdfast/temporal is in use by process 4242, started 2026-11-21T09:03:16.000Z',
    hint: 'Stop that `holdfast up`, or give this one a --state directory of its own.',
  },
  'HF-TEMPORAL-005': {
    params: {
      seconds: 30,
      reason: 'it does not answer',
      log: '/var/lib/holdfast/temporal/server.log',
    },
    message: 'the Temporal server did not start within 30 s: it does not answer',
    hint: 'Its log is /var/lib/holdfast/temporal/server.log.',
  },
  'HF-TEMPORAL-006': {
    params: { namespace: 'default', names: 'HoldfastPhase', reason: 'permission denied' },
    message:
      'namespace default lacks the search attributes HoldfastPhase, and they cannot be registered: permission denied',
    hint: 'Let an administrator run `temporal operator search-attribute create --type Keyword` with a --name for each of them.',
  },
  'HF-TEMPORAL-007': {
    params: {
      address: '127.0.0.1:7233',
      runId: 'run-1',
      workflowId: 'holdfast/11111111-2222-4333-8444-555555555555',
    },
    message:
      'the Temporal server at 127.0.0.1:7233 does not know run run-1 of workflow holdfast/11111111-2222-4333-8444-555555555555',
    hint: 'It runs on another Temporal server or namespace, or it ended longer ago than closed workflows are kept.',
  },
  'HF-WORKER-001': {
    params: { queue: 'holdfast', last: ' (nobody has polled it)', where: 'the host of machine-0' },
    message: 'no worker polls the queue holdfast (nobody has polled it); nothing was started',
    hint: 'Run `holdfast worker` on the host of machine-0, or add --wait to start now and let the work wait for it.',
  },
  'HF-WORKER-002': {
    params: { step: 'dumpDatabase', reason: 'its worker gave no sign of life' },
    message: 'an attempt of dumpDatabase was lost: its worker gave no sign of life',
    hint: 'The next attempt goes on from what is on disk, on any worker of that host; if none runs there, start it with `holdfast worker`.',
  },
  'HF-HOST-001': {
    params: { looked: 'agent.conf nor host.json' },
    message:
      'this host does not know which controller machine it is: neither agent.conf nor host.json tells',
    hint: 'Set controller.modelUuid and controller.machine in holdfast.yaml.',
  },
  'HF-HOST-002': {
    params: { found: 'machine-1', expected: 'machine-0' },
    message: 'this host is machine-1, but the operation belongs to machine-0',
    hint: 'A worker with another identity polls this queue: stop it, or correct controller.modelUuid and controller.machine there.',
  },
  'HF-HOST-003': {
    params: {
      path: '/var/lib/juju/agents/machine-0/agent.conf',
      problem: 'statepassword is missing',
    },
    message:
      'agent.conf at /var/lib/juju/agents/machine-0/agent.conf cannot be used: statepassword is missing',
    hint: 'Restore it from a backup, or set controller.modelUuid, controller.machine and mongo in holdfast.yaml.',
  },
  'HF-HOST-004': {
    params: { path: '/var/lib/juju/server.pem', reason: 'it does not exist' },
    message: 'a file this backup needs cannot be read: /var/lib/juju/server.pem: it does not exist',
    hint: 'Run the host worker as root, and check that the file exists.',
  },
  'HF-HOST-005': {
    params: { problem: 'juju.controllers has no document e' },
    message:
      'the database of this host is not that of a Juju controller: juju.controllers has no document e',
    hint: 'Check mongo.hosts; if the data is lost, restore a backup with `holdfast restore`.',
  },
  'HF-PLAN-001': {
    params: { key: 'level', planned: 1, found: 6 },
    message: 'the plan of this operation says level = 1, the configuration now says 6',
    hint: 'Put the configuration back until the operation has ended, or cancel it and start again.',
  },
  'HF-HOST-006': {
    params: { path: '/var/lib/holdfast', reason: 'connect ECONNREFUSED' },
    message: '/var/lib/holdfast changed while it was read: connect ECONNREFUSED',
    hint: 'The files are read again; if it goes on, find out what keeps writing them.',
  },
  'HF-LOCK-001': {
    params: {
      controller: '11111111-2222-4333-8444-555555555555',
      type: 'a backup',
      since: '2026-11-21T09:03:16.000Z',
      workflowId: 'holdfast/11111111-2222-4333-8444-555555555555',
      runId: 'run-1',
    },
    message:
      'controller 11111111-2222-4333-8444-555555555555 is busy: a backup has run since 2026-11-21T09:03:16.000Z (workflow holdfast/11111111-2222-4333-8444-555555555555, run run-1)',
    hint: 'Wait for it, or look at it with `holdfast watch run-1`.',
  },
  'HF-LOCK-002': {
    params: {
      kind: 'restore',
      backupId: '20261121-090316.11111111-2222-4333-8444-555555555555',
      runId: 'run-1',
      state: 'still running',
    },
    message:
      'an unfinished restore of backup 20261121-090316.11111111-2222-4333-8444-555555555555 holds this host (run run-1, still running)',
    hint: 'Finish it with `holdfast restore --resume`, or go back to the state before it with `holdfast restore --rollback`.',
  },
  'HF-LOCK-003': {
    params: { runId: 'run-1', server: '127.0.0.1:7233', since: '2026-11-21T09:03:16.000Z' },
    message:
      'another Holdfast (run run-1, Temporal 127.0.0.1:7233) holds the lease on this replica set since 2026-11-21T09:03:16.000Z',
    hint: 'Wait for it to end; if its Temporal is lost, run `holdfast restore --rollback` on the host that started it.',
  },
  'HF-LOCK-004': {
    params: {
      id: '20260102-030405.11111111-2222-4333-8444-555555555555',
      reader: 'a verification that runs',
    },
    message:
      'backup 20260102-030405.11111111-2222-4333-8444-555555555555 is in use: a verification that runs',
    hint: 'Wait for it to end; `holdfast jobs` shows it.',
  },
  'HF-FENCE-001': {
    params: { mine: 1, step: 'dump', newer: 2 },
    message: 'attempt 1 of dump was overtaken by attempt 2 and stopped',
    hint: 'Nothing to do: the newer attempt goes on.',
  },
  'HF-DISK-001': {
    params: { path: '/srv/holdfast', free: '1.0 GiB', need: '6.0 GiB', what: 'the archive' },
    message: '/srv/holdfast has 1.0 GiB free, 6.0 GiB are needed for the archive',
    hint: 'Free some space there, or point workspace or storage at a larger volume.',
  },
  'HF-DISK-002': {
    params: { path: '/var/lib/holdfast', free: '0 B', step: 'undoRestore' },
    message: '/var/lib/holdfast is full, it has 0 B free; undoRestore waits until there is space',
    hint: 'Free some space there: the step is tried again and goes on by itself.',
  },
  'HF-WORKSPACE-001': {
    params: { path: '/var/lib/holdfast', reason: 'its mode is 0755' },
    message: 'workspace /var/lib/holdfast cannot be used: its mode is 0755',
    hint: 'It must be a directory of mode 0700 owned by the user who runs the worker, not below /tmp.',
  },
  'HF-MONGO-001': {
    params: { hosts: '127.0.0.1:37017', reason: 'connect ECONNREFUSED' },
    message: 'no connection to mongod at 127.0.0.1:37017: connect ECONNREFUSED',
    hint: 'Check that mongod runs there and that mongo.hosts and mongo.tls are right.',
  },
  'HF-MONGO-002': {
    params: { hosts: '127.0.0.1:37017', user: 'machine-0', reason: 'Authentication failed.' },
    message: 'mongod at 127.0.0.1:37017 refused user machine-0: Authentication failed.',
    hint: 'Check mongo.username and mongo.password, or the password in agent.conf.',
  },
  'HF-MONGO-003': {
    params: { hosts: '127.0.0.1:37017' },
    message: 'mongod at 127.0.0.1:37017 is not a member of a replica set',
    hint: 'Holdfast needs the oplog: start mongod with --replSet and initiate the set.',
  },
  'HF-MONGO-004': {
    params: {
      command: 'find',
      target: 'juju.models',
      code: 11600,
      reason: 'interrupted at shutdown',
    },
    message: 'mongod command find on juju.models failed with 11600: interrupted at shutdown',
    hint: "The step is tried again; if it goes on failing, look at mongod's log for this command.",
  },
  'HF-MONGO-005': {
    params: { user: 'machine-0', command: 'createUser', target: 'admin' },
    message: 'user machine-0 may not run createUser on admin',
    hint: 'The user needs the roles Juju gives its agents: dbAdminAnyDatabase, userAdminAnyDatabase, clusterAdmin, readWriteAnyDatabase.',
  },
  'HF-MONGO-006': {
    params: { hosts: '127.0.0.1:37017', reason: 'no lastWrite.opTime in hello' },
    message:
      'mongod at 127.0.0.1:37017 sent a reply that cannot be read: no lastWrite.opTime in hello',
    hint: 'Check the network between worker and mongod.',
  },
  'HF-DUMP-001': {
    params: { times: 3, reason: 'juju.txns gone' },
    message: 'the dump had to start again 3 times, last because of juju.txns gone',
    hint: 'Something keeps renaming or replacing collections; take the backup when that has ended.',
  },
  'HF-DUMP-002': {
    params: { node: '127.0.0.1:37017', reason: 'it has no entry at 1700000000.3 any more' },
    message:
      'the oplog of 127.0.0.1:37017 rolled over before it was read: it has no entry at 1700000000.3 any more',
    hint: 'Enlarge the oplog (replSetResizeOplog) or take the backup at a quieter time.',
  },
  'HF-ARCHIVE-001': {
    params: {
      archive: 'juju-backup-20261121-090316.tar.gz',
      where: 'juju-backup/dump/oplog.bson (byte 1278)',
      reason: 'its content has another SHA-256',
    },
    message:
      'juju-backup-20261121-090316.tar.gz is damaged at juju-backup/dump/oplog.bson (byte 1278): its content has another SHA-256',
    hint: 'Restore another backup; `holdfast list` shows them. Nothing was changed.',
  },
  'HF-ARCHIVE-002': {
    params: {
      archive: 'juju-backup-20261121-090316.tar.gz',
      entry: '../etc/passwd',
      reason: 'its name leaves its directory',
    },
    message:
      'juju-backup-20261121-090316.tar.gz holds an entry that is not allowed: ../etc/passwd: its name leaves its directory',
    hint: 'This archive was not made by Juju or Holdfast, or it was tampered with. Nothing was changed.',
  },
  'HF-ARCHIVE-003': {
    params: { archive: 'juju-backup-20261121-090316.tar.gz', version: 3 },
    message:
      'juju-backup-20261121-090316.tar.gz has metadata of format version 3, which this Holdfast does not know',
    hint: 'Use a newer Holdfast.',
  },
  'HF-ARCHIVE-004': {
    params: { path: '/var/lib/juju/a', reason: 'its name holds control characters' },
    message: '/var/lib/juju/a cannot be put into a tar archive: its name holds control characters',
    hint: 'Rename or move the file, then take the backup again.',
  },
  'HF-ARCHIVE-005': {
    params: {
      archive: 'juju-backup-20160102-030405.tar.gz',
      path: 'juju-backup/dump/juju/units.metadata.json',
    },
    message:
      'juju-backup-20160102-030405.tar.gz was dumped by a mongodump too old to say in juju-backup/dump/juju/units.metadata.json of which collection it is',
    hint: 'Unpack it and load its dump with `holdfast restore --from-dump`, which takes the names of the files. Nothing was changed.',
  },
  'HF-ARCHIVE-006': {
    params: { archive: 'juju-backup.tar.gz', entry: 'juju-backup/metadata.json' },
    message: 'juju-backup.tar.gz holds no juju-backup/metadata.json',
    hint: 'See what it holds with `tar -tzf`; what Juju to 1.20 made has no metadata.json.',
  },
  'HF-SOURCE-001': {
    params: { path: '/srv/dump', reason: 'no database directory lies in it' },
    message: '/srv/dump cannot be read as a dump: no database directory lies in it',
    hint: 'Name a directory or an archive that mongodump wrote, on the host whose worker restores it. Nothing was changed.',
  },
  'HF-LOCAL-001': {
    params: { path: '/srv/copies/juju-backup-20260102-030405.tar.gz' },
    message: '/srv/copies/juju-backup-20260102-030405.tar.gz is there already',
    hint: 'Name another FILE, or pass --force to replace it.',
  },
  'HF-LOCAL-002': {
    params: { path: '/srv/copies/a.tar.gz', reason: 'EACCES: permission denied' },
    message: '/srv/copies/a.tar.gz cannot be read or written: EACCES: permission denied',
    hint: 'Check the path, its permissions and the free space there, then run the same command again.',
  },
  'HF-MANIFEST-001': {
    params: {
      backup: '20261121-090316.11111111-2222-4333-8444-555555555555',
      reason: 'it is not JSON',
    },
    message:
      'the MANIFEST of backup 20261121-090316.11111111-2222-4333-8444-555555555555 cannot be read: it is not JSON',
    hint: 'Without its MANIFEST a backup is incomplete and is never restored. Choose another one.',
  },
  'HF-STORAGE-001': {
    params: { storage: 'default', name: '20261121-090316.11111111-2222-4333-8444-555555555555' },
    message: 'storage default has no backup 20261121-090316.11111111-2222-4333-8444-555555555555',
    hint: '`holdfast list` shows the backups that are there.',
  },
  'HF-STORAGE-002': {
    params: {
      name: '20261121-090316.11111111-2222-4333-8444-555555555555',
      storage: 'default',
      owner: ', owned by run-1',
    },
    message:
      'backup 20261121-090316.11111111-2222-4333-8444-555555555555 in storage default already exists, owned by run-1',
    hint: 'A backup is never written twice. Start a new one.',
  },
  'HF-STORAGE-003': {
    params: { kind: 'file', name: 'a/b' },
    message: 'file name a/b is not allowed in a storage',
    hint: 'Names begin with a letter or digit and hold up to 200 letters, digits, dots, underscores and hyphens.',
  },
  'HF-STORAGE-004': {
    params: { operation: 'addFile', mode: 'read-only' },
    message: 'addFile does not work on a read-only backup handle',
    hint: 'Handles from listBackups read, handles from startBackup and resumeBackup write.',
  },
  'HF-STORAGE-005': {
    params: { path: '/srv/holdfast', reason: 'its mode is 0755' },
    message: 'storage root /srv/holdfast cannot be used: its mode is 0755',
    hint: 'It must be a directory that only its owner can write (mode 0700).',
  },
  'HF-STORAGE-006': {
    params: { storage: 'default', operation: 'listing', name: 'INDEX', reason: 'EIO' },
    message: 'storage default: listing of INDEX failed: EIO',
    hint: 'The step is tried again; check the storage if it goes on failing.',
  },
  'HF-STORAGE-007': {
    params: {
      backup: '20261121-090316.11111111-2222-4333-8444-555555555555',
      storage: 'default',
      name: 'INDEX',
    },
    message:
      'backup 20261121-090316.11111111-2222-4333-8444-555555555555 in storage default has no file INDEX',
    hint: 'The backup is incomplete or damaged: choose another one.',
  },
  'HF-STORAGE-008': {
    params: { type: 's4', known: 'file' },
    message: 'storage type s4 is not known; known are file',
    hint: 'Correct storage.type in holdfast.yaml.',
  },
  'HF-STORAGE-009': {
    params: { storage: 'default', name: 'INDEX', found: '10 bytes', expected: '12 bytes' },
    message: 'storage default holds INDEX with 10 bytes, written were 12 bytes',
    hint: 'The storage lost or changed bytes. Check it before the next backup.',
  },
  'HF-STORAGE-010': {
    params: { type: 'file' },
    message: 'storage type file is registered already',
    hint: 'Give the other type a name of its own.',
  },
  'HF-STORAGE-011': {
    params: { name: 'ofsite', near: ' (did you mean offsite?)', known: 'default, offsite' },
    message:
      'no storage is named ofsite here (did you mean offsite?); configured: default, offsite',
    hint: 'The command and the host must name the same storages: compare storage.name and storages in both holdfast.yaml files.',
  },
  'HF-STORAGE-012': {
    params: { name: 'b', storage: 'offsite', until: '2026-12-01T00:00:00.000Z' },
    message: 'backup b in storage offsite is locked until 2026-12-01T00:00:00.000Z',
    hint: 'Nobody can remove it before. The lock comes from storage.retention in holdfast.yaml.',
  },
  'HF-STORAGE-013': {
    params: { storage: 'offsite', reason: 'AccessDenied: Access Denied' },
    message: 'storage offsite refuses access: AccessDenied: Access Denied',
    hint: 'Check the credentials and what they are allowed to do (docs/storage.md).',
  },
  'HF-STORAGE-014': {
    params: { storage: 'offsite', bucket: 'backups' },
    message: 'storage offsite has no bucket backups',
    hint: 'Make the bucket, or correct storage.bucket in holdfast.yaml.',
  },
  'HF-STORAGE-015': {
    params: { storage: 'tape', problems: 'module ./tape.js exports no openStorage' },
    message:
      'storage tape is not configured as it should be: module ./tape.js exports no openStorage',
    hint: 'Correct the section storage of holdfast.yaml (docs/storage.md).',
  },
  'HF-STORAGE-016': {
    params: {
      storage: 'bucket',
      name: 'b/archive.tar.gz',
      asked: 'aws:kms with key key-1',
      found: 'AES256',
    },
    message:
      'storage bucket did not encrypt b/archive.tar.gz as asked: aws:kms with key key-1 was asked for, AES256 is there',
    hint: 'The service ignores or refuses that encryption. Change it, or storage.encryption in holdfast.yaml; nothing was committed.',
  },
  'HF-CATALOG-001': {
    params: { hosts: '10.0.0.9:27017', reason: 'connect ECONNREFUSED 10.0.0.9:27017' },
    message: 'the catalog at 10.0.0.9:27017 cannot be used: connect ECONNREFUSED 10.0.0.9:27017',
    hint: 'The storage itself has everything: `list`, `info`, `find` and `restore` work without a catalog. Check that mongod runs there and that the section `catalog` is right.',
  },
  'HF-CATALOG-002': {
    params: { type: 'storage' },
    message: 'there is no catalog to rebuild: catalog.type is storage',
    hint: 'Set catalog.type to mongodb to have one (docs/configuration.md); `list` and `find` work without.',
  },
  'HF-BACKUP-001': {
    params: { id: 'yesterday' },
    message: 'yesterday is not a backup id',
    hint: 'Ids look like 20060102-150405.<controller model UUID>; `holdfast list` shows them.',
  },
  'HF-BACKUP-002': {
    params: { storage: 'default', controller: '11111111-2222-4333-8444-555555555555' },
    message: 'storage default holds no backup of controller 11111111-2222-4333-8444-555555555555',
    hint: 'Take one with `holdfast create`.',
  },
  'HF-BACKUP-003': {
    params: { storage: 'default', controller: '11111111-2222-4333-8444-555555555555' },
    message:
      'storage default holds backups of controller 11111111-2222-4333-8444-555555555555, but none of them is complete',
    hint: '`holdfast list` shows what is there; take a new one with `holdfast create`.',
  },
  'HF-BACKUP-004': {
    params: { id: '20261121-090316.11111111-2222-4333-8444-555555555555' },
    message:
      'backup 20261121-090316.11111111-2222-4333-8444-555555555555 is incomplete: it has no MANIFEST',
    hint: 'It was interrupted and is never restored. Choose another one.',
  },
  'HF-BACKUP-005': {
    params: { host: 'machine-0', time: '24h', kind: 'backup' },
    message: 'the host machine-0 did not come back within 24h; the backup was given up',
    hint: 'Start the worker there (`holdfast worker`), then start the backup again.',
  },
  'HF-BACKUP-006': {
    params: { archive: 'juju-backup-20260102-030405.tar.gz', what: 'controller' },
    message: 'nothing tells which controller juju-backup-20260102-030405.tar.gz is of',
    hint: 'It has no metadata. Run the command on the host it belongs to, or with a configuration that sets controller.modelUuid.',
  },
  'HF-BACKUP-007': {
    params: { id: '20260102-030405.11111111-2222-4333-8444-555555555555' },
    message: 'backup 20260102-030405.11111111-2222-4333-8444-555555555555 is pinned',
    hint: 'Nothing removes a pinned backup. If it may go, `holdfast unpin` it first.',
  },
  'HF-BACKUP-008': {
    params: { id: 'b', storage: 'offsite' },
    message: 'backup b is the last good one in storage offsite',
    hint: 'It is never removed: take another one first (`holdfast create`). One in another storage does not count here.',
  },
  'HF-COPY-001': {
    params: { storage: 'offsite', id: 'b', reason: 'its MANIFEST is another one' },
    message: 'storage offsite holds backup b, but not the same one: its MANIFEST is another one',
    hint: 'Nothing was changed there. Look at it with `holdfast info b --storage offsite`; if it may go, `holdfast remove b --storage offsite` and copy again.',
  },
  'HF-PREFLIGHT-001': {
    params: { problems: '  disk: /var/lib/juju is full' },
    message: 'the restore was refused before anything was changed:\n  disk: /var/lib/juju is full',
    hint: 'Correct what is named above; `holdfast restore --plan` checks again without changing anything.',
  },
  'HF-RESTORE-001': {
    params: { minutes: 60 },
    message: 'the restore was not confirmed within 60 min and was given up; nothing was changed',
    hint: 'Confirm at the prompt, or pass --yes.',
  },
  'HF-RESTORE-002': {
    params: {},
    message: 'there is no unfinished restore on this host',
    hint: '`holdfast restore ID` starts one.',
  },
  'HF-RESTORE-003': {
    params: { reason: 'mongod is gone' },
    message:
      'the restore failed and was rolled back; the controller is as it was before: mongod is gone',
    hint: 'Correct the cause named above and restore again.',
  },
  'HF-RESTORE-004': {
    params: { namespaces: 'juju.weather', reason: 'the disk is gone' },
    message:
      'the restore failed and was undone, all but juju.weather, which --in-place had dropped: the disk is gone',
    hint: 'Correct the cause named above and restore again: what --in-place drops has no way back.',
  },
  'HF-LOAD-001': {
    params: { namespace: 'juju.models', found: 2, expected: 3 },
    message: 'juju.models holds 2 documents after the load, the backup holds 3',
    hint: 'Verify the backup with `holdfast verify`. The live data was not touched.',
  },
  'HF-LOAD-002': {
    params: { namespace: 'juju.models', code: 121, reason: 'Document failed validation' },
    message: 'mongod refused documents of juju.models with 121: Document failed validation',
    hint: "The live data was not touched. Look at mongod's log for the reason.",
  },
  'HF-LOAD-003': {
    params: { namespace: 'juju.models', what: 'index model-uuid', found: 'none', expected: 'one' },
    message: 'juju.models was not made as it was: index model-uuid is none, the backup has one',
    hint: "Look at mongod's log for the reason. The live data was not touched.",
  },
  'HF-LOAD-004': {
    params: { namespace: 'juju.models', code: 72, reason: 'unknown locale' },
    message: 'mongod refused to make juju.models with 72: unknown locale',
    hint: 'Its options in the backup are none that this mongod takes. The live data was not touched. Restore the other collections with --exclude, or all of them on the release of mongod that the backup is of.',
  },
  'HF-LOAD-005': {
    params: { namespace: 'juju.models', code: 67, reason: 'unknown index type' },
    message: 'mongod refused to build the indexes of juju.models with 67: unknown index type',
    hint: 'They do not fit this mongod, or the documents. The live data was not touched. Restore the other collections with --exclude, or all of them on the release of mongod that the backup is of.',
  },
  'HF-REPLAY-001': {
    params: {
      position: '1700000000.3',
      kind: 'renameCollection',
      reason: "juju.txns can't be followed through it",
    },
    message:
      "the oplog of this backup cannot be replayed: entry 1700000000.3 (renameCollection): juju.txns can't be followed through it",
    hint: 'The live data was not touched. Restore another backup.',
  },
  'HF-REPLAY-002': {
    params: { count: 2, namespace: 'juju.models' },
    message: '2 update(s) of the oplog met no document, first in juju.models',
    hint: 'The dump and its oplog do not belong together. The live data was not touched. Restore another backup.',
  },
  'HF-SWAP-001': {
    params: { clients: 'juju at 10.0.0.5:41234' },
    message: 'other clients are still connected to mongod: juju at 10.0.0.5:41234',
    hint: 'Stop them. The restore looks a few times within 15 s, then starts the agents again and gives up: restore once more when they are gone.',
  },
  'HF-SWAP-002': {
    params: { namespace: 'juju.models', found: 'aaaa', known: 'bbbb' },
    message: 'juju.models has UUID aaaa, the swap journal knows bbbb',
    hint: 'Somebody changed collections during the restore. Run `holdfast restore --rollback`.',
  },
  'HF-SWAP-003': {
    params: { namespace: 'juju.weather' },
    message:
      'the time series juju.weather cannot be loaded: something has its name, or that of its buckets',
    hint: 'A time series cannot be renamed, so there must be none where one is loaded. Restore it under another name (--as), drop what is there, or replace a time series with --in-place.',
  },
  'HF-SERVICE-001': {
    params: { service: 'jujud-machine-0', action: 'stopped', reason: 'it is masked' },
    message: 'service jujud-machine-0 could not be stopped: it is masked',
    hint: 'Look at `systemctl status jujud-machine-0` on the host.',
  },
  'HF-SERVICE-002': {
    params: { service: 'jujud-machine-0', seconds: 120 },
    message: 'service jujud-machine-0 was started but is not alive after 120 s',
    hint: 'Look at its log on the host.',
  },
  'HF-FILES-001': {
    params: { path: '/var/lib/juju/tools', action: 'renamed', reason: 'EROFS' },
    message: '/var/lib/juju/tools cannot be renamed: EROFS',
    hint: 'Run the host worker as root and check the file system.',
  },
  'HF-CANCEL-001': {
    params: { kind: 'restore', outcome: 'nothing was changed' },
    message: 'the restore was cancelled; nothing was changed',
    hint: 'Start it again when you want to.',
  },
  'HF-CANCEL-002': {
    params: {},
    message: 'the restore is past its point of no return; a cancel can only roll it back',
    hint: 'Wait for its end, or go back to the state before with `holdfast cancel --rollback`.',
  },
  'HF-CANCEL-003': {
    params: {},
    message: 'the restore is done and removes what was before: there is no way back any more',
    hint: 'Wait for its end; to go back to an older state, restore another backup.',
  },
  'HF-JOB-001': {
    params: { controller: 'c', what: 'no operation that runs' },
    message: 'controller c has no operation that runs',
    hint: '`holdfast jobs` shows what runs and what ran, and whether an interrupted operation waits on this host.',
  },
  'HF-JOB-002': {
    params: { queue: 'holdfast', last: ' (nobody has polled it)', seconds: 10 },
    message: 'no worker answered on the queue holdfast (nobody has polled it) within 10 s',
    hint: 'Run `holdfast worker` and ask again; the operation goes on or waits meanwhile.',
  },
  'HF-INTERNAL-001': {
    params: { reason: 'x is not a function' },
    message: 'unexpected: x is not a function',
    hint: 'This is a defect of Holdfast: please report it with the log of the worker.',
  },
};

function isErrorCode(key: string): key is ErrorCode {
  return Object.hasOwn(errorTable, key);
}

const codes = Object.keys(errorTable).filter(isErrorCode);
const exits = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 130, 143];
const placeholder = /\{(\w+)\}/g;

/** The error of a code with the values of its row. */
function made(code: ErrorCode): HoldfastError {
  return new HoldfastError<ErrorCode>(code, texts[code].params);
}

describe('HoldfastError', () => {
  it.each(codes)('%s says exactly what it should', (code) => {
    const error = made(code);
    const { message, hint } = texts[code];
    expect({ code: error.code, message: error.message, hint: error.hint }).toEqual({
      code,
      message,
      hint,
    });
  });

  it.each(codes)('%s carries exit status, retry and values, and leaves no placeholder', (code) => {
    const error = made(code);
    const { exit, retryable, message, hint } = errorTable[code];
    expect(error).toMatchObject({ name: 'HoldfastError', exit, retryable });
    expect(error.params).toEqual(texts[code].params);
    const given = new Set(Object.keys(texts[code].params));
    const needed = new Set([...`${message} ${hint}`.matchAll(placeholder)].map(([, name]) => name));
    expect(given).toEqual(needed);
  });

  it('keeps its cause', () => {
    const cause = new Error('EIO');
    expect(new HoldfastError('HF-INTERNAL-001', { reason: 'EIO' }, { cause }).cause).toBe(cause);
  });

  it('shows values as they are, whatever they hold', () => {
    const reason = '{reason} $& $1 {x}';
    expect(new HoldfastError('HF-INTERNAL-001', { reason }).message).toBe(`unexpected: ${reason}`);
  });
});

describe('the error table', () => {
  it.each(codes)('%s has a code of the form HF-AREA-NNN', (code) => {
    expect(code).toMatch(/^HF-[A-Z]+-\d{3}$/);
  });

  it.each(codes)('%s ends the command line with a known status, never as success', (code) => {
    expect(exits).toContain(errorTable[code].exit);
    expect(errorTable[code].exit).not.toBe(0);
  });

  it.each(codes)('%s has a message in lower case without a final point', (code) => {
    const { message } = errorTable[code];
    // A name such as Temporal or MANIFEST may not come first either: it would look like a sentence.
    expect(message).toMatch(/^([a-z]|\{\w+\})/);
    expect(message).not.toMatch(/[.!?\s]$/);
  });

  it.each(codes)('%s has a hint in whole sentences', (code) => {
    const { hint } = errorTable[code];
    expect(hint).toMatch(/^([A-Z]|`)/);
    expect(hint).toMatch(/\.$/);
    expect(hint).not.toMatch(/\s$|\s\s|\.\./);
  });

  it.each(codes)('%s has placeholders that are words', (code) => {
    const { message, hint } = errorTable[code];
    expect(`${message} ${hint}`.replaceAll(/\{[A-Za-z]+\}/g, '')).not.toMatch(/[{}]/);
  });
});
