import {
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultyStorage, type PlannedFault, type StorageFault } from '../../storage/faulty-storage';
import { openFileStorage } from '../../storage/file-storage';
import { backup, contentOf, directory, type FaultGround, type Strike } from './fault-life';
import { describeFaults, type MatrixFault } from './fault-matrix';

const content = contentOf(1_500_000);

interface Ground extends FaultGround {
  readonly root: string;
  /** Replaces what strikes in the harmed storage. */
  plan(faults: readonly PlannedFault[]): void;
}

async function open(): Promise<Ground> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  const clean = openFileStorage({ name: 'one', path: root, progressBytes: 400_000 });
  const faults: PlannedFault[] = [];
  const faulty = faultyStorage(clean, faults);
  return {
    root,
    harmed: faulty.storage,
    clean,
    content,
    plan: (planned) => void faults.splice(0, faults.length, ...planned),
    leftovers: async () => {
      const names = await readdir(join(root, directory)).catch((): string[] => []);
      return names;
    },
    dispose: () => rm(root, { recursive: true }),
  };
}

type Lasting = 'once' | 'for ever';

/** A fault between the caller and the file system. */
function fault(name: string, harm: StorageFault, lasting: Lasting): MatrixFault<Ground> {
  const reads = harm.kind === 'short read' || harm.kind === 'wrong byte';
  return {
    name: `${name}, ${lasting}`,
    passes: lasting === 'once' || harm.kind === 'slow',
    ...(reads ? { only: ['readFile'] } : {}),
    strike: (ground, operation): Strike => {
      let begun = false;
      return {
        operation,
        begin: async () => {
          if (begun && lasting === 'once') return;
          begun = true;
          ground.plan([{ operation, fault: harm, ...(lasting === 'once' ? { times: 1 } : {}) }]);
        },
        end: async () => ground.plan([]),
        struck: () => false,
      };
    },
  };
}

/** What a disk does to the archive that lies on it. */
function damage(name: string, change: (path: string) => Promise<void>): MatrixFault<Ground> {
  return {
    name,
    passes: false,
    only: ['readFile'],
    strike: ({ root }, operation): Strike => {
      const path = join(root, directory, backup, 'archive');
      let whole = Buffer.alloc(0);
      return {
        operation,
        begin: async () => {
          whole = await readFile(path);
          await change(path);
        },
        end: () => writeFile(path, whole),
        struck: () => false,
      };
    },
  };
}

async function flip(path: string): Promise<void> {
  const file = await openFile(path, 'r+');
  await file.write(Buffer.from([255]), 0, 1, 700_001);
  await file.close();
}

const error = new Error('as planned');

describeFaults('file', {
  open,
  places: 1,
  count: 40,
  faults: [
    fault('an error', { kind: 'error', error }, 'once'),
    fault('an error', { kind: 'error', error }, 'for ever'),
    fault('the answer lost', { kind: 'answer lost', error }, 'once'),
    fault('the answer lost', { kind: 'answer lost', error }, 'for ever'),
    fault('slow', { kind: 'slow', wait: () => new Promise(setImmediate) }, 'for ever'),
    fault('a short read', { kind: 'short read', bytes: 1_000 }, 'once'),
    fault('a short read', { kind: 'short read', bytes: 1_000 }, 'for ever'),
    fault('a wrong byte', { kind: 'wrong byte', at: 777_777 }, 'once'),
    fault('a wrong byte', { kind: 'wrong byte', at: 777_777 }, 'for ever'),
    damage('a wrong byte on the disk', flip),
    damage('an archive that lost its end', (path) => truncate(path, 900_000)),
  ],
});
