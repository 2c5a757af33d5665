import type { CommandSpec, OptionSpec } from './command-spec';

const id = {
  name: 'ID',
  required: true,
  description: 'backup id, as `holdfast list` shows it',
  known: 'list',
} as const;

const wait: OptionSpec = {
  name: 'wait',
  description: 'start now although no worker answers, and let the work wait for it',
};

const detach: OptionSpec = {
  name: 'detach',
  description: 'start it, print its workflow and run id, and return',
};

const attach: OptionSpec = {
  name: 'attach',
  description: 'follow the one that runs already, instead of refusing',
};

/** Options that every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'config', value: 'FILE', description: 'configuration file (default: holdfast.yaml)' },
  { name: 'json', description: 'JSON on stdout; JSON Lines for commands that take long' },
  { name: 'quiet', description: 'no progress, and only the essential on stdout' },
  { name: 'no-color', description: 'no colours' },
  { name: 'no-input', description: 'never ask; fail where a question would be asked' },
];

/** What a group of commands, the first word of two, is about. */
export const groups: Readonly<Record<string, string>> = {
  config: 'check and show the configuration',
};

/** With one of these a restore is of collections, beside everything else. */
const collectionOptions: readonly OptionSpec[] = [
  {
    name: 'from-dump',
    value: 'PATH',
    description: 'from a directory or archive of mongodump on this host, plain or gzip',
  },
  {
    name: 'only',
    value: 'NAMESPACE',
    description: 'restore only this collection, such as juju.units, or juju.* for a database',
  },
  {
    name: 'as',
    value: 'NAMESPACE',
    description: 'restore what --only names under another name, such as scratch.units or scratch.*',
  },
  {
    name: 'include',
    value: 'PATTERN',
    repeatable: true,
    description: 'restore only collections like this one; may be repeated',
  },
  {
    name: 'exclude',
    value: 'PATTERN',
    repeatable: true,
    description: 'restore no collections like this one; may be repeated',
  },
  {
    name: 'replace',
    description: 'replace collections that exist, instead of refusing; the agent must not run',
  },
  {
    name: 'oplog-limit',
    value: 'SECONDS[:ORDINAL]',
    description: 'replay the oplog only up to this moment, exclusive',
  },
];

/** THE table of commands: parser, help, completion and documentation are made of it. */
export const commands: readonly CommandSpec[] = [
  {
    name: 'up',
    summary: "run Temporal and this host's workers",
    description:
      "Runs Temporal's development server with its Web UI, kept in a state directory, and this host's two workers, until it is stopped. Good for one host; for more, run a Temporal server of your own and `holdfast worker` on each host.",
    arguments: [],
    options: [
      { name: 'state', value: 'DIRECTORY', description: 'where the server keeps its database' },
      {
        name: 'port',
        value: 'PORT',
        description: 'port of the server (default: of temporal.address)',
      },
      { name: 'ui-port', value: 'PORT', description: 'port of the Web UI (default: port + 1000)' },
      { name: 'temporal-cli', value: 'PATH', description: 'the Temporal CLI to run' },
      { name: 'fetch', description: 'download the Temporal CLI when none is found' },
      { name: 'no-worker', description: 'run the server alone' },
      {
        name: 'new-server-version',
        description: 'let another server version take over the database, for good',
      },
    ],
    examples: ['holdfast up', 'holdfast up --state /srv/temporal --port 7300'],
    load: async () => (await import('./up.js')).up,
  },
  {
    name: 'worker',
    summary: "run this host's workers",
    description:
      'Runs the workflow worker and the host worker of this host as two processes, until it is stopped. Needs a Temporal server at temporal.address.',
    arguments: [],
    options: [],
    examples: ['holdfast worker', 'holdfast worker --config /etc/holdfast/holdfast.yaml'],
    load: async () => (await import('./worker.js')).worker,
  },
  {
    name: 'create',
    summary: 'take a backup of the controller',
    description:
      'Takes a backup of the controller this host belongs to, and prints its id as the last line. The backup is listed when, and only when, it is complete and proven. Ctrl-C leaves it running.',
    arguments: [{ name: 'NOTES', required: false, description: 'what to remember about it' }],
    options: [
      {
        name: 'metadata-format',
        value: '0|1|2',
        description: "format of metadata.json (default: that of the controller's own Juju)",
      },
      wait,
      detach,
      attach,
    ],
    examples: [
      'holdfast create',
      'holdfast create "before the upgrade"',
      'ID=$(holdfast create --quiet)',
    ],
    load: async () => (await import('./create.js')).create,
  },
  {
    name: 'list',
    summary: 'list the backups in the storage',
    description:
      "Lists this controller's backups, the newest first, with what their MANIFESTs say. Needs no Temporal.",
    arguments: [],
    options: [],
    examples: ['holdfast list', "holdfast list --json | jq -r '.backups[0].id'"],
    load: async () => (await import('./list.js')).list,
  },
  {
    name: 'info',
    summary: 'show what is known of one backup',
    description:
      "Shows a backup's metadata as Juju keeps it, and what its MANIFEST says. Needs no Temporal.",
    arguments: [id],
    options: [],
    examples: ['holdfast info 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('./info.js')).info,
  },
  {
    name: 'download',
    summary: 'fetch the archive of a backup',
    description:
      'Fetches the archive of a backup into FILE, or under its own name into the directory FILE or the working directory, and prints its path. FILE exists only whole, with the SHA-256 that its MANIFEST says; interrupted, the same command goes on where it stopped, from FILE.part, once what is there is proven. Nothing is removed from the storage. The archive holds secrets: FILE is readable by its owner alone. Needs no Temporal.',
    arguments: [id, { name: 'FILE', required: false, description: 'where to write it' }],
    options: [
      { name: 'force', description: 'replace FILE when it is there' },
      {
        name: 'single-member',
        description: 'rewrite it to one gzip member, for readers that stop after the first',
      },
    ],
    examples: [
      'holdfast download 20260102-030405.11111111-2222-4333-8444-555555555555',
      'holdfast download latest /srv/copies',
    ],
    load: async () => (await import('./download.js')).download,
  },
  {
    name: 'upload',
    summary: 'add an archive that Juju made',
    description:
      'Adds an archive that Juju made, of any format from 1.20 to 3.6, to the storage, and prints the id of the backup it is from now on: list, info, verify and restore work on it. It is read through the strict reader and laid out anew, so that any part of it can be reached; entries and their contents stay as they are, the digests of FILE are kept in MANIFEST. The workspace holds a copy meanwhile. A backup that is there already is not touched. Needs no Temporal.',
    arguments: [{ name: 'FILE', required: true, description: 'the .tar.gz that Juju made' }],
    options: [],
    examples: ['holdfast upload juju-backup-20260102-030405.tar.gz'],
    load: async () => (await import('./upload.js')).upload,
  },
  {
    name: 'pin',
    summary: 'keep a backup from being removed',
    description: 'Pins a complete backup: neither prune nor remove takes it. Needs no Temporal.',
    arguments: [id],
    options: [],
    examples: ['holdfast pin 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('./pin.js')).pin,
  },
  {
    name: 'unpin',
    summary: 'take the pin of a backup back',
    description: 'Lets prune and remove take a backup again that was pinned. Needs no Temporal.',
    arguments: [id],
    options: [],
    examples: ['holdfast unpin 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('./pin.js')).unpin,
  },
  {
    name: 'prune',
    summary: 'remove backups that no rule keeps',
    description:
      "Shows which of this controller's backups no rule keeps, and why the others stay; with --yes those are removed. The rules are added up. Only complete backups count. Never removed: a pinned one, one that a restore or verification reads, the last good one, safety copies, damaged ones. Incomplete ones are swept a day after their last change.",
    arguments: [],
    options: [
      { name: 'keep-last', value: 'N', description: 'the newest N' },
      { name: 'keep-daily', value: 'N', description: 'the newest of each of the last N days' },
      { name: 'keep-weekly', value: 'N', description: 'of each of the last N weeks' },
      { name: 'keep-monthly', value: 'N', description: 'of each of the last N months' },
      { name: 'keep-yearly', value: 'N', description: 'of each of the last N years' },
      { name: 'older-than', value: 'TIME', description: 'nothing younger than TIME, such as 30d' },
      { name: 'yes', description: 'remove them, instead of showing what would be removed' },
      wait,
      detach,
    ],
    examples: [
      'holdfast prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12',
      'holdfast prune --older-than 30d --yes',
    ],
    load: async () => (await import('./prune.js')).prune,
  },
  {
    name: 'remove',
    summary: 'remove a backup',
    description:
      'Removes a backup from the storage, complete or not. Refused for one that is pinned, and for one that an operation reads or writes.',
    arguments: [id],
    options: [{ name: 'yes', description: 'do not ask' }, wait, detach],
    examples: ['holdfast remove 20260102-030405.11111111-2222-4333-8444-555555555555 --yes'],
    load: async () => (await import('./prune.js')).remove,
  },
  {
    name: 'verify',
    summary: 'read and prove every byte of a backup',
    description:
      'Reads a stored backup from the first byte to the last and proves it against its MANIFEST and INDEX. Changes nothing. A verification of the same backup that runs already is followed. Exit status 13 means damage.',
    arguments: [id],
    options: [wait, detach],
    examples: ['holdfast verify 20260102-030405.11111111-2222-4333-8444-555555555555'],
    load: async () => (await import('./verify.js')).verify,
  },
  {
    name: 'restore',
    summary: 'restore the controller from a backup',
    description:
      'Loads a backup beside the live data, proves it, and only then replaces the live data: the controller is away for seconds. Until then nothing is changed; after that it ends complete, or is rolled back. With --only, --include, --exclude or --from-dump only collections are restored, beside everything else and while the agents run. In a pattern * stands for anything, and \\ takes the meaning from the character behind it. Ctrl-C leaves it running.',
    arguments: [{ ...id, required: false }],
    options: [
      { name: 'latest', description: 'the newest complete backup' },
      {
        name: 'file',
        value: 'FILE',
        description: 'an archive that Juju made; it is added to the storage first, as upload does',
      },
      ...collectionOptions,
      { name: 'yes', description: 'do not ask before anything is changed' },
      { name: 'plan', description: 'check everything, show the result, and stop' },
      { name: 'resume', description: 'finish the restore that was interrupted on this host' },
      { name: 'rollback', description: 'go back to the state before the interrupted restore' },
      { name: 'keep-old', description: 'keep the replaced collections and files' },
      wait,
      detach,
      attach,
    ],
    examples: [
      'holdfast restore --latest --plan',
      'holdfast restore 20260102-030405.11111111-2222-4333-8444-555555555555 --yes',
      'holdfast restore --rollback',
      'holdfast restore --latest --only juju.units --as scratch.units',
      "holdfast restore --from-dump /srv/dump --include 'juju.*' --exclude juju.txns.log",
    ],
    load: async () => (await import('./restore.js')).restore,
  },
  {
    name: 'watch',
    summary: 'follow an operation to its end',
    description:
      "Shows how an operation of this host's controller goes, and its report when it has ended, with the exit status of the command that began it. Without an argument it is the backup or restore that runs, or ran last. Ctrl-C leaves it running.",
    arguments: [
      {
        name: 'ID',
        required: false,
        description: 'run id, workflow id or backup id',
        known: 'jobs',
      },
    ],
    options: [],
    examples: ['holdfast watch', 'holdfast watch 20260102-030405'],
    load: async () => (await import('./watch.js')).watch,
  },
  {
    name: 'jobs',
    summary: 'list operations that run, and the last ones',
    description:
      "Lists the operations of this host's controller: those that run, then those that ended last. Also says when the journal of this host holds an operation that nobody works on any more, and what to do.",
    arguments: [],
    options: [],
    examples: ['holdfast jobs', "holdfast jobs --json | jq -r '.jobs[].runId'"],
    load: async () => (await import('./jobs.js')).jobs,
  },
  {
    name: 'cancel',
    summary: 'stop the operation that runs',
    description:
      "Asks an operation of this host's controller to stop, says what happens now, and returns. Without an argument it is the backup or restore that runs, or else the verification. Until its point of no return it stops and what it had begun is undone. A backup that is being committed is finished. A restore past its point of no return is only stopped with --rollback: it then goes back to the exact state before.",
    arguments: [
      {
        name: 'ID',
        required: false,
        description: 'run id, workflow id or backup id',
        known: 'jobs',
      },
    ],
    options: [
      {
        name: 'rollback',
        description: 'go back to the state before, even past the point of no return',
      },
    ],
    examples: ['holdfast cancel', 'holdfast cancel --rollback'],
    load: async () => (await import('./cancel.js')).cancel,
  },
  {
    name: 'config check',
    summary: 'check the configuration',
    description:
      'Reports every problem of the configuration at once, each with its line; tries whether this host can read its secrets, without showing them.',
    arguments: [],
    options: [],
    examples: ['holdfast config check'],
    load: async () => (await import('./config.js')).configCheck,
  },
  {
    name: 'config show',
    summary: 'show every setting and where it comes from',
    description:
      'Shows the configuration in force: every setting, with --origin also the line, variable or default it comes from. No secret is shown.',
    arguments: [],
    options: [{ name: 'origin', description: 'also where each setting comes from' }],
    examples: ['holdfast config show --origin', 'holdfast config show --json'],
    load: async () => (await import('./config.js')).configShow,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    description:
      'Prints a script that lets a shell complete commands, options, backup ids and run ids.',
    arguments: [
      {
        name: 'SHELL',
        required: true,
        description: 'bash, zsh or fish',
        known: ['bash', 'zsh', 'fish'],
      },
    ],
    options: [],
    examples: [
      'source <(holdfast completion bash)',
      'holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
    ],
    load: async () => (await import('./completion.js')).completion,
  },
];
