import type { MongoClient } from 'mongodb';
import { errorText } from '../../core/errors';
import type { PreflightCheck, PreflightReport } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { readMemberState, type MemberState } from '../../mongo/member-state';
import { listServer } from '../../mongo/server-listing';
import type { ActivityDependencies } from '../dependencies';
import { enterOperation } from '../operation';
import {
  diskCheck,
  journalCheck,
  leaseCheck,
  limitChecks,
  majorMinor,
  pass,
  refuse,
  warn,
} from '../restore/preflight-checks';
import { connectForRestore } from '../restore/restore-access';
import { agentUnitOf, servicesOf } from '../restore/stop-agents';
import type { Attempt } from '../step';
import { readJournal } from '../workspace/journal';
import { chosenCollections, requestOf, type Chosen } from './chosen';
import { targetProblems } from './targets';

/**
 * Every check at once, before anything is changed: the operator sees all problems in one table.
 *
 * Side effect: none. Retried when mongod cannot be reached.
 * @throws HoldfastError HF-MONGO-001, -002 when there is no way into mongod at all.
 */
export async function preflightCollections(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<PreflightReport> {
  const { workspace, directory } = await enterOperation(dependencies, ref);
  const chosen = await chosenCollections.read(directory);
  const client = await connectForRestore(dependencies, attempt, directory, 'preflight');
  try {
    const member = await readMemberState(client);
    const journal = await readJournal(workspace);
    const { collections } = chosen;
    return {
      v: 1,
      backupId: ref.backupId,
      checks: [
        ...choiceChecks(chosen),
        versionCheck(chosen, member),
        member.primary || member.members > 1
          ? pass('replica set', member.replicaSet)
          : refuse('replica set', `${member.replicaSet} has no primary`),
        ...(await targetChecks(dependencies, attempt, ref, client, chosen, member)),
        await leaseCheck(client, ref, journal),
        journalCheck(journal, ref),
        await diskCheck(dependencies, member, collections),
        ...(chosen.oplog === undefined ? [noOplog(ref)] : limitChecks(ref, chosen.oplogEnd)),
      ],
      collections: collections.length,
      documents: collections.reduce((sum, { documents }) => sum + documents, 0),
      bytes: collections.reduce((sum, { bytes }) => sum + bytes, 0),
      files: 0,
    };
  } finally {
    await client.close();
  }
}

function choiceChecks({ collections, unmatched, left }: Chosen): PreflightCheck[] {
  const nothing = unmatched.map((pattern) =>
    refuse('choice', `${pattern} is in neither collections nor views of it`),
  );
  if (nothing.length > 0) return nothing;
  return collections.length === 0
    ? [refuse('choice', 'nothing is left to restore')]
    : [pass('choice', `${collections.length} are restored, ${left} are not`)];
}

function versionCheck({ serverVersion }: Chosen, member: MemberState): PreflightCheck {
  if (serverVersion === '' || serverVersion === 'unknown') {
    return warn('mongod version', `this is ${member.version}; the dump does not say its own`);
  }
  return majorMinor(serverVersion) === majorMinor(member.version)
    ? pass('mongod version', `${member.version}, dumped from ${serverVersion}`)
    : warn(
        'mongod version',
        `dumped from ${serverVersion}, this is ${member.version}: options or indexes may be refused`,
      );
}

function noOplog(ref: OperationRef): PreflightCheck {
  if (ref.oplogLimit !== undefined) {
    return refuse('oplog', 'there is no oplog.bson that --oplog-limit could end');
  }
  return warn(
    'oplog',
    'the dump has no oplog.bson: if it was taken while others wrote, it is of no single moment',
  );
}

async function targetChecks(
  dependencies: ActivityDependencies,
  { signal }: Attempt,
  ref: OperationRef,
  client: MongoClient,
  { collections }: Chosen,
  member: MemberState,
): Promise<PreflightCheck[]> {
  const { replace, inPlace = false } = requestOf(ref);
  const found = targetProblems(collections, await listServer(client), { replace, inPlace });
  const { problems, taken } = found;
  if (problems.length > 0) return problems.map((problem) => refuse('targets', problem));
  if (taken.length + found.inPlace.length === 0) {
    return [pass('targets', 'all of their names are free')];
  }
  return [
    ...(taken.length === 0
      ? []
      : [pass('targets', `${taken.length} that exist are replaced: ${someOf(taken)}`)]),
    ...(found.inPlace.length === 0
      ? []
      : [
          warn(
            'in place',
            `${found.inPlace.length} time series are dropped before they are loaded, with no way back: ${someOf(found.inPlace)}`,
          ),
        ]),
    await agentCheck(dependencies, ref, member, signal),
  ];
}

function someOf(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`;
}

/** An agent goes on with what it has read before: documents that change under it are none of its plan. */
async function agentCheck(
  dependencies: ActivityDependencies,
  ref: OperationRef,
  { members }: MemberState,
  signal: AbortSignal,
): Promise<PreflightCheck> {
  if (members > 1) {
    return refuse(
      'agents',
      `the replica set has ${members} members, whose agents may run: --replace and --in-place are for a set of one`,
    );
  }
  const unit = agentUnitOf(dependencies, ref.host.machine);
  try {
    const { active } = await servicesOf(dependencies).state(unit, signal);
    return active
      ? refuse(
          'agents',
          `${unit} runs and would go on with what it has read before: stop it, restore, start it again`,
        )
      : pass('agents', `${unit} does not run`);
  } catch (error) {
    signal.throwIfAborted();
    return refuse('agents', errorText(error));
  }
}
