import { join } from 'node:path';
import { hostDependencies } from '../../worker/host-dependencies';
import { processEnvironment } from '../../config/environment';
import { loadConfig } from '../../config/load';
import { identifyThisHost } from '../../worker/this-host';
import { backUp, dump } from './backup-steps';
import { benchAttempt } from './bench-attempt';
import { load } from './load-steps';
import type { StepHost } from './step-host';

/**
 * Runs the steps of operations in this one process, without Temporal's part:
 * `main.js CONFIG backup|dump` or `main.js CONFIG load BACKUP-ID`. Prints `begin` and `end JSON`
 * around what is to be measured.
 */
async function main(file: string, mode: string, backupId: string): Promise<void> {
  const environment = processEnvironment();
  const { config } = await loadConfig({ environment, file });
  const dependencies = hostDependencies(config, environment);
  const identity = await identifyThisHost(config, environment);
  const attempt = benchAttempt(config, environment);
  const host: StepHost = { config, identity, dependencies: dependencies.activities, attempt };
  try {
    switch (mode) {
      case 'backup':
        return await backUp(host);
      case 'dump':
        return await dump(host, join(config.workspace, 'runs'));
      case 'load':
        return await load(host, backupId);
      default:
        throw new Error(`there is no mode ${mode}`);
    }
  } finally {
    attempt.progress.stop();
    await dependencies.close();
  }
}

const [, , file = '', mode = '', backupId = ''] = process.argv;
main(file, mode, backupId).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
