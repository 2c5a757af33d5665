import { readFile } from 'node:fs/promises';
import type { MongoClient } from 'mongodb';
import { isRestorable, parseManifest, type Manifest } from '../../archive/manifest';
import { errorText, isHoldfastError } from '../../core/errors';
import type { PreflightCheck, PreflightReport } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { listCollections } from '../../mongo/collections';
import { readMemberState, type MemberState } from '../../mongo/member-state';
import { listServer } from '../../mongo/server-listing';
import { makeStagePlan } from '../../mongo/stage-plan';
import type { ActivityDependencies } from '../dependencies';
import { enterOperation } from '../operation';
import type { Attempt } from '../step';
import { readJournal } from '../workspace/journal';
import { readArchivedDump, type ArchivedDump } from './dumped-collections';
import { LocalArchive } from './local-archive';
import {
  diskCheck,
  journalCheck,
  leaseCheck,
  limitChecks,
  majorMinor,
  pass,
  refuse,
  warn,
} from './preflight-checks';
import { connectForRestore } from './restore-access';
import { runFiles } from './run-files';
import { agentUnitOf, servicesOf } from './stop-agents';

/**
 * Every check at once, before anything is changed; the operator sees all problems in one table.
 *
 * Side effect: none. Retried when mongod cannot be reached.
 * @throws HoldfastError HF-MONGO-001, -002 when there is no way into mongod at all.
 */
export async function preflightRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  ref: OperationRef,
): Promise<PreflightReport> {
  const { workspace, directory } = await enterOperation(dependencies, ref);
  const { signal } = attempt;
  const manifest = parseManifest(await readFile(runFiles.manifest(directory)), ref.backupId);
  const archive = await LocalArchive.open(directory);
  const dump = await readArchivedDump(archive, signal);
  let files = 0;
  for await (const line of archive.lines(signal)) {
    if (archive.bundled(line) !== undefined && line.type !== 'directory') files += 1;
  }
  const client = await connectForRestore(dependencies, attempt, directory, 'preflight');
  try {
    const member = await readMemberState(client);
    const journal = await readJournal(workspace);
    const checks = [
      identityCheck(ref, manifest),
      kindCheck(manifest),
      pass('archive', 'every byte is proven against MANIFEST and INDEX'),
      versionCheck(manifest, member),
      memberCheck(member),
      await collectionsCheck(client, dump),
      await leaseCheck(client, ref, journal),
      journalCheck(journal, ref),
      await diskCheck(dependencies, member, dump.collections),
      await serviceCheck(dependencies, ref, signal),
      ...limitChecks(ref, manifest.mongo?.oplog.end.ts),
    ];
    return {
      v: 1,
      backupId: ref.backupId,
      checks,
      collections: dump.collections.length,
      documents: dump.collections.reduce((sum, { documents }) => sum + documents, 0),
      bytes: dump.collections.reduce((sum, { bytes }) => sum + bytes, 0),
      files,
    };
  } finally {
    await client.close();
  }
}

function identityCheck(ref: OperationRef, manifest: Manifest): PreflightCheck {
  const { modelUuid } = manifest.controller;
  if (modelUuid !== ref.host.modelUuid) {
    return refuse(
      'controller',
      `the backup is of controller ${modelUuid}, this host belongs to ${ref.host.modelUuid}`,
    );
  }
  if (!manifest.hosts.some(({ machine }) => machine === ref.host.machine)) {
    return refuse('controller', `the backup holds no files of ${ref.host.machine}`);
  }
  return pass('controller', `same controller and machine (${ref.host.machine})`);
}

function kindCheck(manifest: Manifest): PreflightCheck {
  if (!isRestorable(manifest)) {
    return refuse('kind', `backups of kind ${manifest.kind} cannot be restored by this version`);
  }
  return manifest.outcome === 'partial'
    ? warn('kind', 'the backup is partial: the files of some hosts are missing')
    : pass('kind', 'full and complete');
}

function versionCheck(manifest: Manifest, member: MemberState): PreflightCheck {
  const mongo = manifest.mongo;
  if (mongo === null) {
    return manifest.origin === undefined
      ? refuse('mongod version', 'the backup holds no database')
      : warn(
          'mongod version',
          `this is ${member.version}; an archive that Juju made does not say which mongod it is of`,
        );
  }
  if (majorMinor(mongo.version) !== majorMinor(member.version)) {
    return refuse(
      'mongod version',
      `the backup is of mongod ${mongo.version}, this is ${member.version}`,
    );
  }
  if (mongo.fcv !== member.fcv) {
    return refuse(
      'mongod version',
      `the backup has featureCompatibilityVersion ${mongo.fcv}, this mongod ${member.fcv}`,
    );
  }
  return pass('mongod version', `${member.version}, as the backup's ${mongo.version}`);
}

function memberCheck(member: MemberState): PreflightCheck {
  if (member.members > 1) {
    return refuse('replica set', `it has ${member.members} members; only one is supported yet`);
  }
  return member.primary
    ? pass('replica set', `${member.replicaSet}, this host is its primary`)
    : refuse('replica set', `${member.replicaSet} has no primary`);
}

async function collectionsCheck(client: MongoClient, dump: ArchivedDump): Promise<PreflightCheck> {
  try {
    const live = await listCollections(client);
    const plan = makeStagePlan(dump.collections, await listServer(client));
    return pass(
      'collections',
      `${plan.collections.length} collections and ${plan.views.length} views take the place of ${live.length}`,
    );
  } catch (error) {
    if (!isHoldfastError(error, 'HF-PREFLIGHT-001')) throw error;
    return refuse('collections', String(error.params['problems']));
  }
}

async function serviceCheck(
  dependencies: ActivityDependencies,
  ref: OperationRef,
  signal: AbortSignal,
): Promise<PreflightCheck> {
  const unit = agentUnitOf(dependencies, ref.host.machine);
  try {
    const { active } = await servicesOf(dependencies).state(unit, signal);
    return active
      ? pass('agent', `${unit} runs; it is stopped only for the swap`)
      : warn('agent', `${unit} does not run; it is started at the end`);
  } catch (error) {
    signal.throwIfAborted();
    return refuse('agent', errorText(error));
  }
}
