import type { Document, MongoClient } from 'mongodb';
import { bytesOf, codeOf } from '../../storage/conformance-kit';
import { manifestName } from '../../storage/contract';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';
import { contentOf, type FaultGround, type Strike } from './fault-life';
import { describeFaults, type MatrixFault } from './fault-matrix';
import { openGridfs } from './gridfs-server';

let set: TestReplicaSet;
let admin: MongoClient;
beforeAll(async () => {
  set = await startReplicaSet({ version: '6.0', setParameter: { enableTestCommands: '1' } });
  admin = await set.client();
});
afterAll(() => set.stop());

const content = contentOf(3 * 255 * 1024 + 1_000);

interface Ground extends FaultGround {
  readonly bucket: string;
  /** Milliseconds that the harmed host's clock is wrong by. */
  skew: number;
}

let buckets = 0;
async function open(): Promise<Ground> {
  buckets += 1;
  const bucket = `bucket${buckets}`;
  const harmed = openGridfs(set, bucket, {
    progressBytes: 300_000,
    now: () => Date.now() + ground.skew,
  });
  const clean = openGridfs(set, bucket);
  const ground: Ground = {
    bucket,
    skew: 0,
    harmed,
    clean,
    content,
    leftovers: async () => {
      const db = admin.db('holdfast_storage');
      const counts = await Promise.all(
        ['files', 'chunks', 'uploads'].map(async (name) => {
          const count = await db.collection(`${bucket}.${name}`).countDocuments();
          return count === 0 ? [] : [`${count} ${name}`];
        }),
      );
      return counts.flat();
    },
    dispose: async () => {
      await harmed.close();
      await clean.close();
    },
  };
  return ground;
}

/** What the storage asks of mongod; one of them is struck at a time. */
const commands = [
  'find',
  'insert',
  'update',
  'delete',
  'findAndModify',
  'aggregate',
  'commitTransaction',
  'createIndexes',
];

async function failCommands(mode: Document | string, data: Document): Promise<void> {
  await admin.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
}

type Lasting = 'once' | 'twice' | 'for ever';

/** A fault of mongod's own: the command fails, its connection is cut, it waits, or its answer is an error. */
function fault(name: string, data: Document, lasting: Lasting): MatrixFault<Ground> {
  const mode = lasting === 'for ever' ? 'alwaysOn' : { times: lasting === 'once' ? 1 : 2 };
  return {
    name: `${name}, ${lasting}`,
    passes: lasting !== 'for ever' || 'blockConnection' in data,
    strike: (_ground, operation, place): Strike => {
      let begun = false;
      return {
        operation,
        begin: async () => {
          if (begun && lasting !== 'for ever') return;
          begun = true;
          await failCommands(mode, { ...data, failCommands: [commands[place]] });
        },
        end: () => failCommands('off', {}),
        // Each place is a command of its own.
        struck: () => true,
      };
    },
  };
}

/** Damage of what lies in the database while it is read, repaired afterwards. */
function damage(name: string, lasting: Lasting, change: Document, n: number): MatrixFault<Ground> {
  return {
    name: `${name}, ${lasting}`,
    passes: false,
    only: ['readFile'],
    strike: ({ bucket }, operation): Strike => {
      const chunks = admin.db('holdfast_storage').collection(`${bucket}.chunks`);
      let begun = false;
      let whole: Document | undefined;
      return {
        operation,
        begin: async () => {
          if (begun && lasting !== 'for ever') return;
          begun = true;
          const files = admin.db('holdfast_storage').collection(`${bucket}.files`);
          const archive = await files.findOne({ filename: /\/archive$/ });
          whole = (await chunks.findOne({ files_id: archive?._id, n })) ?? undefined;
          if ('drop' in change) await chunks.deleteOne({ _id: whole?._id });
          else await chunks.updateOne({ _id: whole?._id }, { $set: change });
        },
        end: async () => {
          if (whole !== undefined) {
            await chunks.replaceOne({ _id: whole._id }, whole, { upsert: true });
          }
          whole = undefined;
        },
        struck: () => false,
      };
    },
  };
}

function clock(name: string, skew: number): MatrixFault<Ground> {
  return {
    name,
    passes: true,
    strike: (ground, operation): Strike => ({
      operation,
      begin: async () => void (ground.skew = skew),
      end: async () => void (ground.skew = 0),
      struck: () => false,
    }),
  };
}

const lost = { writeConcernError: { code: 79, errmsg: 'as planned' } };
const day = 86_400_000;

it('a MANIFEST that was published, with an error for an answer, keeps its content', async () => {
  const ground = await open();
  try {
    const handle = await ground.harmed.startBackup('d', 'b', 'run');
    await failCommands('alwaysOn', { ...lost, failCommands: ['commitTransaction'] });
    const put = codeOf(handle.putFile(manifestName, content, { ifAbsent: true }));
    expect(await put).toBe('HF-STORAGE-006');
    await failCommands('off', {});
    const reader = await ground.clean.openBackup('d', 'b');
    expect((await bytesOf(await reader.readFile(manifestName))).equals(content)).toBe(true);
    expect(await handle.putFile(manifestName, content, { ifAbsent: true })).toBe('exists');
  } finally {
    await ground.dispose();
  }
});

describeFaults('gridfs', {
  open,
  places: commands.length,
  count: 8,
  faults: [
    fault('an error', { errorCode: 96 }, 'once'),
    fault('an error', { errorCode: 96 }, 'for ever'),
    fault('a primary that steps down', { errorCode: 189 }, 'twice'),
    fault('slow', { blockConnection: true, blockTimeMS: 15 }, 'for ever'),
    fault('done, with an error inside the answer', lost, 'once'),
    fault('done, with an error inside the answer', lost, 'for ever'),
    fault('the connection cut', { closeConnection: true }, 'once'),
    fault('the connection cut', { closeConnection: true }, 'twice'),
    fault('the login expired', { errorCode: 391 }, 'once'),
    fault('the login expired', { errorCode: 391 }, 'for ever'),
    damage('a short read', 'once', { drop: true }, 3),
    damage('a chunk lost', 'for ever', { drop: true }, 1),
    damage('wrong bytes', 'once', { data: Buffer.alloc(255 * 1024, 1) }, 2),
    damage('wrong bytes', 'for ever', { data: Buffer.alloc(255 * 1024, 1) }, 0),
    clock('a clock a day ahead', day),
    clock('a clock a day behind', -day),
  ],
});
