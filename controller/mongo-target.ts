import { HoldfastError } from '../core/errors';
import type { MongoTarget } from '../mongo/connection';
import type { AgentConf } from './agent-conf';

/** One way to reach this machine's mongod, and who says so. */
export interface MongoCandidate {
  readonly from: 'configuration' | 'agent.conf' | 'archive' | 'localhost-exception';
  readonly target: MongoTarget;
}

/** What is known about the ways in. */
export interface MongoSources {
  /** The `mongo` section of holdfast.yaml, as far as it is given; without hosts the others' hosts are used. */
  readonly configured?: Partial<MongoTarget> | undefined;
  /** agent.conf on disk. */
  readonly agentConf?: AgentConf | undefined;
  /** agent.conf inside the archive, only once the archive is verified. */
  readonly archivedAgentConf?: AgentConf | undefined;
}

/** Name of the replica set of every Juju controller. */
export const jujuReplicaSet = 'juju';

/**
 * The way a controller's own agent takes: this machine's mongod, as the user named like the
 * machine, with the CA written in agent.conf.
 * @throws HoldfastError HF-HOST-003 when agent.conf has no state port or no state password.
 */
export function mongoTargetFromAgentConf(conf: AgentConf): MongoTarget {
  if (conf.statePassword === undefined) {
    throw new HoldfastError('HF-HOST-003', { path: conf.path, problem: 'it has no statepassword' });
  }
  const hosts =
    conf.stateAddresses.length > 0
      ? conf.stateAddresses
      : conf.statePort === undefined
        ? undefined
        : [`localhost:${conf.statePort}`];
  if (hosts === undefined) {
    throw new HoldfastError('HF-HOST-003', { path: conf.path, problem: 'it has no stateport' });
  }
  return {
    hosts,
    replicaSet: jujuReplicaSet,
    ...(conf.caCert === undefined
      ? {}
      : {
          // Juju's certificates carry names (localhost, juju-mongodb), the members of its replica
          // set are addresses: like Juju itself, trust the controller's own CA, not the address.
          tls: { ca: conf.caCert, allowInvalidHostnames: true },
        }),
    username: conf.tag,
    password: conf.statePassword,
    authSource: 'admin',
  };
}

/**
 * Every way to mongod in the order it is to be tried: explicit configuration, agent.conf on disk,
 * agent.conf of the verified archive, and last the localhost exception (no credentials; good only
 * while the server has no user). Configured fields go before those of the others, credentials
 * only as a pair.
 * @throws HoldfastError HF-HOST-003 when nothing says where mongod is.
 */
export function mongoCandidates(sources: MongoSources): readonly MongoCandidate[] {
  const { configured = {}, agentConf, archivedAgentConf } = sources;
  const candidates: MongoCandidate[] = [];
  const { username, hosts: configuredHosts } = configured;
  const place = {
    ...(configuredHosts === undefined ? {} : { hosts: configuredHosts }),
    ...(configured.replicaSet === undefined ? {} : { replicaSet: configured.replicaSet }),
    ...(configured.tls === undefined ? {} : { tls: configured.tls }),
  };
  if (username !== undefined && configuredHosts !== undefined) {
    candidates.push({ from: 'configuration', target: { ...configured, hosts: configuredHosts } });
  }
  let unusable: unknown;
  const add = (from: MongoCandidate['from'], conf: AgentConf | undefined): void => {
    if (conf === undefined) return;
    let target: MongoTarget;
    try {
      target = mongoTargetFromAgentConf(conf);
    } catch (error) {
      unusable ??= error;
      return;
    }
    if (username !== undefined && configuredHosts === undefined && candidates.length === 0) {
      candidates.push({ from: 'configuration', target: { ...target, ...configured } });
    }
    candidates.push({ from, target: { ...target, ...place } });
  };
  add('agent.conf', agentConf);
  add('archive', archivedAgentConf);
  const first = candidates[0];
  const hosts = configuredHosts ?? first?.target.hosts;
  if (hosts === undefined) {
    if (unusable !== undefined) throw unusable;
    throw new HoldfastError('HF-HOST-003', {
      path: 'agents/machine-*/agent.conf',
      problem: 'there is none, and holdfast.yaml does not say where mongod is',
    });
  }
  const tls = configured.tls ?? first?.target.tls;
  const replicaSet = configured.replicaSet ?? first?.target.replicaSet;
  candidates.push({
    from: 'localhost-exception',
    target: {
      hosts: [localHost(hosts)],
      ...(tls === undefined ? {} : { tls }),
      ...(replicaSet === undefined ? {} : { replicaSet }),
    },
  });
  return candidates;
}

/** mongod grants its localhost exception by the peer's address, so the name must lead to loopback. */
function localHost(hosts: readonly string[]): string {
  const loopback = hosts.find((host) => /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(host));
  if (loopback !== undefined) return loopback;
  const port = /:(\d+)$/.exec(hosts[0] ?? '')?.[1] ?? '37017';
  return `localhost:${port}`;
}
