import { readJsonFile } from '../../config/durable-file';
import { mongoTargetFromAgentConf } from '../../controller/mongo-target';
import type { OperationRef } from '../../core/operation';
import { applyTtl } from '../../mongo/ttl';
import type { ActivityDependencies } from '../dependencies';
import { enterJournaled } from '../operation';
import type { Attempt } from '../step';
import { loadResult } from './stage-results';
import { canLogIn, changeMachinePassword } from './machine-password';
import { archivedAgentConf, openForRestore } from './restore-access';
import { runFiles } from './run-files';

/**
 * Makes mongod fit the restored files: the machine's user has the password that the restored
 * agent.conf names, and TTL indexes get their own values, which were parked while the data was staged.
 *
 * Side effect: a user, index options. Idempotency key: user and index names. Compensation:
 * undoRestore gives the old password back. Retried without limit.
 */
export async function restoreUsers(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<void> {
  const { directory } = await enterJournaled(dependencies, ref);
  const { signal } = attempt;
  const { plan } = await loadResult.read(directory);
  const { client, target } = await openForRestore(dependencies, attempt, directory, 'users');
  try {
    const conf = await archivedAgentConf(dependencies, directory, signal);
    if (conf?.statePassword !== undefined) {
      const own = { ...mongoTargetFromAgentConf(conf), hosts: target.hosts };
      const begun = (await readJsonFile(runFiles.users(directory))) !== undefined;
      if (begun || !(await canLogIn(own, signal))) {
        const before = target.username === conf.tag ? target.password : undefined;
        const user = { username: conf.tag, password: conf.statePassword };
        await changeMachinePassword(directory, client, user, before);
      }
    }
    await attempt.progress.during(applyTtl({ client, runId: ref.runId, signal }, plan));
  } finally {
    await client.close();
  }
}
