import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { compiled } from '../examples/compiled';
import { startReplicaSet } from '../mongo/replica-set';
import { fullSweep } from './fault-matrix';
import { gridfsOptions, openGridfs } from './gridfs-server';
import { S3Server, s3Access } from './s3-server';

const rounds = fullSweep ? 200 : 15;
const saidSchema = z.object({ name: z.string(), said: z.string() });

interface Place {
  /** What a process opens it with. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly storage: BackupStorage;
  stop(): Promise<void>;
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  file: async () => {
    const path = await mkdtemp(join(tmpdir(), 'holdfast-hosts-'));
    const options = { name: 'one', path };
    const stop = () => rm(path, { recursive: true });
    return { options, storage: openFileStorage(options), stop };
  },
  s3: async () => {
    const server = await S3Server.start();
    const bucket = await server.bucket();
    const { now: _now, credentials: _credentials, ...rest } = server.options(bucket);
    const options = { ...rest, credentials: s3Access };
    return { options, storage: server.open(bucket), stop: () => server.stop() };
  },
  gridfs: async () => {
    const set = await startReplicaSet({ version: '6.0' });
    const { now: _now, ...options } = gridfsOptions(set, 'hosts');
    return { options, storage: openGridfs(set, 'hosts'), stop: () => set.stop() };
  },
};

/** A process of its own that starts backups when it is told to. */
class Host {
  readonly #said = new Map<string, (said: string) => void>();
  readonly #ended: Promise<never>;
  readonly ready: Promise<string>;

  constructor(private readonly child: ChildProcess) {
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('the process ended');
    });
    // Only where an answer is waited for.
    this.#ended.catch(() => undefined);
    child.on('message', (message) => {
      const { name, said } = saidSchema.parse(message);
      this.#said.get(name)?.(said);
    });
    this.ready = this.#answer('ready');
  }

  static start(type: string, options: Place['options']): Host {
    const house = join(compiled('storage/s3-store.js'), '../..');
    const script = join(__dirname, 'host-process.cjs');
    return new Host(fork(script, [house, type, JSON.stringify(options)]));
  }

  #answer(name: string): Promise<string> {
    const said = new Promise<string>((resolve) => this.#said.set(name, resolve));
    return Promise.race([said, this.#ended]);
  }

  /** The owner that has the backup now when it is this process's, else the code of the refusal. */
  async begin(name: string): Promise<string> {
    const answer = this.#answer(name);
    this.child.send(name);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.#ended.catch(() => undefined);
  }
}

describe('two processes that start one name at once', () => {
  it.each(['file', 's3', 'gridfs'])(
    `get one winner each time, ${rounds} times (%s)`,
    async (type) => {
      const place = await places[type]?.();
      if (place === undefined) throw new Error(`no place ${type}`);
      const hosts = [Host.start(type, place.options), Host.start(type, place.options)];
      try {
        const owners = await Promise.all(hosts.map((host) => host.ready));
        const winners = new Set<string>();
        for (let round = 0; round < rounds; round += 1) {
          const name = `b-${round}`;
          const said = await Promise.all(hosts.map((host) => host.begin(name)));
          const [winner, ...others] = said.filter((one) => owners.includes(one));
          expect([said.length, others, said.includes('HF-STORAGE-002')]).toEqual([2, [], true]);
          // What everybody reads afterwards is what the winner was told.
          expect((await place.storage.resumeBackup('d', name, winner ?? '')).owner).toBe(winner);
          winners.add(winner ?? '');
        }
        expect((await place.storage.scan('d')).length).toBe(rounds);
      } finally {
        await Promise.all(hosts.map((host) => host.stop()));
        await place.storage.close();
        await place.stop();
      }
    },
    120_000,
  );
});
