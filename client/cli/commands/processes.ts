import type { CommandSpec } from '../command-spec';

/** What runs on a host until it is stopped. */
export const processCommands: readonly CommandSpec[] = [
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
    load: async () => (await import('../up.js')).up,
  },
  {
    name: 'worker',
    summary: "run this host's workers",
    description:
      'Runs the workflow worker and the host worker of this host as two processes, until it is stopped. Needs a Temporal server at temporal.address.',
    arguments: [],
    options: [],
    examples: ['holdfast worker', 'holdfast worker --config /etc/holdfast/holdfast.yaml'],
    load: async () => (await import('../worker.js')).worker,
  },
];
