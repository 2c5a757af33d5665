import type { MongoClient } from 'mongodb';
import { parseAgentConf } from '../../controller/agent-conf';
import type { AgentConf } from '../../controller/agent-conf';
import type { MongoTarget } from '../../mongo/connection';
import type { ActivityDependencies } from '../dependencies';
import { openAgent } from '../mongo-access';
import type { Attempt } from '../step';
import { LocalArchive } from './local-archive';

/** As the agent, with agent.conf of the verified archive as one of the ways in. */
export async function openForRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  directory: string,
  purpose: string,
): Promise<{ client: MongoClient; target: MongoTarget }> {
  const archived = await archivedAgentConf(dependencies, directory, attempt.signal);
  return await openAgent(dependencies, {
    purpose,
    direct: false,
    signal: attempt.signal,
    directory,
    ...(archived === undefined ? {} : { archivedAgentConf: archived }),
  });
}

export async function connectForRestore(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  directory: string,
  purpose: string,
): Promise<MongoClient> {
  return (await openForRestore(dependencies, attempt, directory, purpose)).client;
}

/** agent.conf inside the archive; undefined while there is no inspected archive, or it holds none. */
export async function archivedAgentConf(
  dependencies: ActivityDependencies,
  directory: string,
  signal: AbortSignal,
): Promise<AgentConf | undefined> {
  const archive = await LocalArchive.find(directory);
  if (archive === undefined) return undefined;
  const agents = `${dependencies.config.controller.dataDir.replace(/^\//, '')}/agents/`;
  for await (const line of archive.lines()) {
    if (line.type !== 'file') continue;
    const path = archive.bundled(line);
    if (path === undefined || !path.startsWith(agents)) continue;
    if (!/^machine-[^/]+\/agent\.conf$/.test(path.slice(agents.length))) continue;
    return parseAgentConf((await archive.whole(line, signal)).toString('utf8'), path);
  }
  return undefined;
}
