import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeSshKey, type Certificates } from './certificates';
import type { SeededRandom } from './seeded-random';

/** Where an example's controller keeps its data, relative to its root: as on a real host. */
export const exampleDataDir = '/var/lib/juju';
/** The Juju the example pretends to be. */
export const exampleJujuVersion = '2.9.51';

/** What the files of a controller say. */
export interface ControllerIdentity {
  readonly modelUuid: string;
  readonly controllerUuid: string;
  /** Password of `machine-0`, in MongoDB and for the API. */
  readonly password: string;
  readonly apiPort: number;
  readonly statePort: number;
  readonly mongoVersion: string;
}

/**
 * Writes the host files of a controller below `root`: the tree of `/var/lib/juju`, with modes, links
 * and times like on a real host, and the authorized keys of `ubuntu`.
 */
export async function writeControllerFiles(
  root: string,
  identity: ControllerIdentity,
  certificates: Certificates,
  random: SeededRandom,
  now: Date,
): Promise<void> {
  const data = join(root, exampleDataDir);
  const toolsVersion = `${exampleJujuVersion}-ubuntu-amd64`;
  const tools = join(data, 'tools', toolsVersion);
  const sshKey = makeSshKey('juju-system-key');
  const sharedSecret = random.bytes(768).toString('base64');
  const time = Math.floor(now.getTime() / 1000);
  let step = 0;
  const put = async (path: string, content: string | Buffer, mode: number): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, content, { mode: 0o600, flag: 'wx' });
    await chmod(path, mode);
    // Different times for every file, so that a restore that forgets them is seen.
    step += 1;
    await utimes(path, time - step * 61, time - step * 61);
  };

  await put(join(tools, 'jujud'), random.bytes(300_000), 0o755);
  await put(join(tools, 'jujuc'), random.bytes(60_000), 0o755);
  await put(
    join(tools, 'downloaded-tools.txt'),
    `{"version":"${toolsVersion}","url":"","sha256":"${random.hex(64)}","size":360000}`,
    0o644,
  );
  for (const name of ['juju-run', 'juju-dumplogs', 'juju-introspect']) {
    await symlink(join(tools, 'jujud'), join(tools, name));
  }
  await symlink(tools, join(data, 'tools', 'machine-0'));
  await put(join(data, 'system-identity'), sshKey.privateKey, 0o600);
  await put(join(data, 'server.pem'), certificates.serverCert + certificates.serverKey, 0o600);
  await put(join(data, 'shared-secret'), sharedSecret, 0o600);
  await put(join(data, 'nonce.txt'), 'user-admin:bootstrap', 0o600);
  const init = join(data, 'init', 'jujud-machine-0');
  await put(
    join(init, 'jujud-machine-0.service'),
    `[Unit]\nDescription=juju agent for machine-0\n\n[Service]\nExecStart=${exampleDataDir}/init/jujud-machine-0/exec-start.sh\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n`,
    0o644,
  );
  await put(
    join(init, 'exec-start.sh'),
    `#!/usr/bin/env bash\nexec '${exampleDataDir}/tools/machine-0/jujud' machine --data-dir '${exampleDataDir}' --machine-id 0\n`,
    0o755,
  );
  await put(
    join(data, 'agents', 'machine-0', 'agent.conf'),
    agentConfText(identity, certificates, sshKey.privateKey, sharedSecret),
    0o600,
  );
  await mkdir(join(root, 'home/ubuntu/.ssh'), { recursive: true });
  await chmod(join(root, 'home/ubuntu/.ssh'), 0o700);
  await put(
    join(root, 'home/ubuntu/.ssh/authorized_keys'),
    `ssh-ed25519 ${random.bytes(51).toString('base64')} Juju:admin@example\n${sshKey.publicKey}\n`,
    0o600,
  );
}

function agentConfText(
  identity: ControllerIdentity,
  certificates: Certificates,
  systemIdentity: string,
  sharedSecret: string,
): string {
  const block = (pem: string): string =>
    `|\n${pem
      .trim()
      .split(/\r?\n/)
      .map((line) => `  ${line}\n`)
      .join('')}`;
  const { password } = identity;
  return `# format 2.0
tag: machine-0
datadir: ${exampleDataDir}
transient-datadir: /var/run/juju
logdir: /var/log/juju
metricsspooldir: ${exampleDataDir}/metricspool
nonce: user-admin:bootstrap
jobs:
- JobManageModel
- JobHostUnits
upgradedToVersion: ${exampleJujuVersion}
cacert: ${block(certificates.caCert)}statepassword: ${password}
controller: controller-${identity.controllerUuid}
model: model-${identity.modelUuid}
apiaddresses:
- 127.0.0.1:${identity.apiPort}
apipassword: ${password}
oldpassword: ${Buffer.from(password).reverse().toString()}
values:
  AGENT_SERVICE_NAME: jujud-machine-0
  PROVIDER_TYPE: manual
controllercert: ${block(certificates.serverCert)}controllerkey: ${block(certificates.serverKey)}caprivatekey: ${block(certificates.caKey)}apiport: ${identity.apiPort}
stateport: ${identity.statePort}
sharedsecret: ${sharedSecret}
systemidentity: ${block(systemIdentity)}mongoversion: ${identity.mongoVersion}/wiredTiger
mongomemoryprofile: default
juju-db-snap-channel: 4.4/stable
`;
}
