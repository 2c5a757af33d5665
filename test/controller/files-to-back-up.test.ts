import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { listFilesToBackUp } from '../../controller/files-to-back-up';
import { makeCertificates } from '../../examples/controller/certificates';
import { exampleDataDir, writeControllerFiles } from '../../examples/controller/controller-files';
import { SeededRandom } from '../../examples/controller/seeded-random';
import { containing, failure, inDirectory } from './temporary';

const now = new Date('2026-11-21T10:00:00Z');
const dataDir = exampleDataDir;

const certificates = makeCertificates(now, 'example');

async function exampleRoot(directory: string): Promise<string> {
  const root = join(directory, 'root');
  const random = new SeededRandom(1);
  const identity = {
    modelUuid: random.uuid(),
    controllerUuid: random.uuid(),
    password: 'x',
    apiPort: 17070,
    statePort: 37017,
    mongoVersion: '4.4.2',
  };
  await writeControllerFiles(root, identity, certificates, random, now);
  await mkdir(join(root, dataDir, 'db'));
  await writeFile(join(root, dataDir, 'db/WiredTiger'), 'not ours');
  await mkdir(join(root, dataDir, 'agents/unit-mysql-0'));
  return root;
}

describe('the files of a backup', () => {
  test('are those Juju takes, named and linked as on a host whose root is /', async () => {
    await inDirectory(async (directory) => {
      const root = await exampleRoot(directory);
      const { files, skipped, bytes } = await listFilesToBackUp({ root, dataDir });
      const lines = files.map(({ type, mode, name, link }) =>
        [type, mode.toString(8), name, link].filter(Boolean).join(' '),
      );
      const tools = 'var/lib/juju/tools/2.9.51-ubuntu-amd64';
      expect(lines).toEqual([
        'file 600 home/ubuntu/.ssh/authorized_keys',
        'directory 755 var/lib/juju/agents/machine-0',
        'file 600 var/lib/juju/agents/machine-0/agent.conf',
        'directory 755 var/lib/juju/init/jujud-machine-0',
        'file 755 var/lib/juju/init/jujud-machine-0/exec-start.sh',
        'file 644 var/lib/juju/init/jujud-machine-0/jujud-machine-0.service',
        'file 600 var/lib/juju/nonce.txt',
        'file 600 var/lib/juju/server.pem',
        'file 600 var/lib/juju/shared-secret',
        'file 600 var/lib/juju/system-identity',
        'directory 755 var/lib/juju/tools',
        `directory 755 ${tools}`,
        `file 644 ${tools}/downloaded-tools.txt`,
        `symlink 777 ${tools}/juju-dumplogs /${tools}/jujud`,
        `symlink 777 ${tools}/juju-introspect /${tools}/jujud`,
        `symlink 777 ${tools}/juju-run /${tools}/jujud`,
        `file 755 ${tools}/jujuc`,
        `file 755 ${tools}/jujud`,
        `symlink 777 var/lib/juju/tools/machine-0 /${tools}`,
      ]);
      expect(skipped).toEqual([]);
      expect(bytes).toBe(files.reduce((sum, { size }) => sum + size, 0));
      expect(files.every(({ path, name }) => path === join(root, name))).toBe(true);
    });
  });

  test('hold the shared secret from where the snap keeps it', async () => {
    await inDirectory(async (directory) => {
      const root = await exampleRoot(directory);
      await mkdir(join(root, 'var/snap/juju-db/common'), { recursive: true });
      await rename(
        join(root, dataDir, 'shared-secret'),
        join(root, 'var/snap/juju-db/common/shared-secret'),
      );
      const names = (await listFilesToBackUp({ root, dataDir })).files.map(({ name }) => name);
      expect(names).toContain('var/snap/juju-db/common/shared-secret');
      expect(names).not.toContain('var/lib/juju/shared-secret');
    });
  });

  test('leave sockets out and say so, keep relative links, and pass over what a restore left', async () => {
    await inDirectory(async (directory) => {
      const root = await exampleRoot(directory);
      const agent = join(root, dataDir, 'agents/machine-0');
      const socket = join(agent, 'introspection.socket');
      await mkdir(join(root, dataDir, 'init/.hf-old-run-1'));
      await symlink('agent.conf', join(agent, 'link'));
      const server = createServer();
      await new Promise<void>((done) => server.listen(socket, done));
      try {
        const { files, skipped } = await listFilesToBackUp({ root, dataDir });
        expect(skipped).toEqual([{ path: socket, reason: 'it is a socket' }]);
        expect(files.find(({ name }) => name.endsWith('/link'))).toMatchObject({
          type: 'symlink',
          link: 'agent.conf',
        });
        expect(files.some(({ name }) => name.includes('.hf-'))).toBe(false);
      } finally {
        await new Promise((done) => server.close(done));
      }
    });
  });

  test.each(['tools', 'system-identity', 'server.pem', 'shared-secret'])(
    'need %s',
    async (name) => {
      await inDirectory(async (directory) => {
        const root = await exampleRoot(directory);
        await rm(join(root, dataDir, name), { recursive: true });
        expect(await failure(listFilesToBackUp({ root, dataDir }))).toMatchObject({
          code: 'HF-HOST-004',
          message: containing(join(root, dataDir, name)),
        });
      });
    },
  );

  test('do without nonce.txt, and refuse a link that leaves the root', async () => {
    await inDirectory(async (directory) => {
      const root = await exampleRoot(directory);
      await rm(join(root, dataDir, 'nonce.txt'));
      const { files } = await listFilesToBackUp({ root, dataDir });
      expect(files.some(({ name }) => name.endsWith('nonce.txt'))).toBe(false);
      await symlink('/etc/hostname', join(root, dataDir, 'tools/out'));
      expect(await failure(listFilesToBackUp({ root, dataDir }))).toMatchObject({
        code: 'HF-HOST-004',
        message: containing('outside'),
      });
    });
  });
});
