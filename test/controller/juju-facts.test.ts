import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tar from 'tar';
import { readJujuFacts } from '../../controller/juju-facts';
import { connectMongo } from '../../mongo/connection';
import { binary, freePort, Mongod } from '../mongo/mongod';
import { containing, failure, inDirectory } from './temporary';

const fixture = join(__dirname, '../fixtures/juju-backup-20261121-090316.tar.gz');

test('what metadata.json tells of a controller is read from the database Juju itself made', async () => {
  await inDirectory(async (directory) => {
    const db = join(directory, 'db');
    await mkdir(db);
    await tar.extract({ file: fixture, cwd: directory });
    const port = await freePort();
    const host = `127.0.0.1:${port}`;
    const mongod = new Mongod(
      binary('HOLDFAST_MONGOD44'),
      `--port ${port} --bind_ip 127.0.0.1 --nounixsocket --wiredTigerCacheSizeGB 0.25 --dbpath ${db}`.split(
        ' ',
      ),
    );
    await mongod.start();
    try {
      const client = await connectMongo(
        { hosts: [host] },
        { appName: 'holdfast-test', direct: true },
      );
      try {
        expect(await failure(readJujuFacts(client, 'machine-0'))).toMatchObject({
          code: 'HF-HOST-005',
          message: containing('juju.controllers has no usable document e'),
        });
        await promisify(execFile)(binary('HOLDFAST_MONGORESTORE'), [
          '--host',
          host,
          '--quiet',
          '--nsInclude',
          'juju.*',
          join(directory, 'juju-backup/dump'),
        ]);
        const facts = await readJujuFacts(client, 'machine-0');
        expect(facts).toMatchObject({
          modelUuid: 'a78216c9-fa4e-4f57-874f-c662329232b8',
          controllerUuid: '97e64c95-e2a9-400d-8aea-793b054b5b2e',
          controllerName: 'real-single',
          jujuVersion: '2.9.21',
          haNodes: 1,
          machineId: '0',
          instanceId: 'juju-5f2c1a-0',
          series: 'focal',
          base: undefined,
        });
        expect(facts.caCert).toMatch(/^-----BEGIN CERTIFICATE-----/);
        expect(facts.caPrivateKey?.reveal()).toMatch(/^-----BEGIN PRIVATE KEY-----\nAAAA/);
        expect(JSON.stringify(facts)).not.toContain('PRIVATE KEY');
      } finally {
        await client.close();
      }
    } finally {
      await mongod.stop();
    }
  });
});
