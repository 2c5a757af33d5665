import type { CommandSpec } from '../command-spec';

/** What concerns operations that run or ran. */
export const operationCommands: readonly CommandSpec[] = [
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
    load: async () => (await import('../watch.js')).watch,
  },
  {
    name: 'jobs',
    summary: 'list operations that run, and the last ones',
    description:
      "Lists the operations of this host's controller: those that run, then those that ended last. Also says when the journal of this host holds an operation that nobody works on any more, and what to do.",
    arguments: [],
    options: [],
    examples: ['holdfast jobs', "holdfast jobs --json | jq -r '.jobs[].runId'"],
    load: async () => (await import('../jobs.js')).jobs,
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
    load: async () => (await import('../cancel.js')).cancel,
  },
];
