import { isHoldfastError } from '../../core/errors';
import { bytesOf, pattern, sourceOf } from '../../storage/conformance-kit';
import { manifestName, type BackupStorage, type UploadState } from '../../storage/contract';
import type { StorageOperation } from '../../storage/wrapped-storage';

export const directory = 'd';
export const backup = 'b';
export const neighbour = 'b2';
const owner = 'run';
const manifest = Buffer.from('{"complete":true}\n');
const small = pattern(70_000);

/** Harms the calls of one operation: between `begin` and `end` everything that passes. */
export interface Strike {
  readonly operation: StorageOperation;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** Whether it met anything yet. */
  struck(): boolean;
}

/** How a life went: what it did was done, or what it failed with. */
export type Outcome = { readonly done: true } | { readonly done: false; readonly error: unknown };

const tries = 3;

/** The calls of a life, each tried again as a step is. */
class Steps {
  constructor(private readonly strike: Strike) {}

  /** One call, harmed where it is the one. */
  async at<T>(operation: StorageOperation, work: () => Promise<T>): Promise<T> {
    if (operation !== this.strike.operation) return work();
    await this.strike.begin();
    try {
      return await work();
    } finally {
      await this.strike.end();
    }
  }

  async again<T>(work: () => Promise<T>): Promise<T> {
    for (let round = 1; ; round += 1) {
      try {
        return await work();
      } catch (error) {
        if (round === tries || (isHoldfastError(error) && !error.retryable)) throw error;
      }
    }
  }

  step<T>(operation: StorageOperation, work: () => Promise<T>): Promise<T> {
    return this.again(() => this.at(operation, work));
  }
}

/** A listing that says what is not so, without an error: no fault excuses it. */
export class Lie extends Error {}

function same(what: string, found: unknown, truth: unknown): void {
  if (JSON.stringify(found) === JSON.stringify(truth)) return;
  throw new Lie(`${what}: ${JSON.stringify(found)} in place of ${JSON.stringify(truth)}`);
}

export function contentOf(size: number): Buffer {
  return pattern(size);
}

/** A backup from its start to its commit and the first listings, as the steps of a host make it. */
async function backUp(storage: BackupStorage, steps: Steps, content: Buffer): Promise<void> {
  await steps.step('startBackup', () => storage.startBackup(directory, backup, owner));
  const handle = await steps.step('resumeBackup', () =>
    storage.resumeBackup(directory, backup, owner),
  );
  await steps.again(async () => {
    const writer = await steps.at('addFile', () => handle.addFile('small'));
    try {
      await steps.at('write', () => writer.write(small));
      await steps.at('closeFile', () => writer.close());
    } catch (error) {
      // What it leaves is the abort's, or the sweep's.
      await writer.abort().catch(() => undefined);
      throw error;
    }
  });
  let resume: UploadState | undefined;
  let attempt = 0;
  const onProgress = async (state: UploadState) => void (resume = state);
  await steps.step('uploadFile', () => {
    attempt += 1;
    const options = { attempt, onProgress, ...(resume === undefined ? {} : { resume }) };
    return handle.uploadFile('archive', sourceOf(content), options);
  });
  const files = await steps.step('listFiles', () => handle.listFiles());
  const sizes = files.map(({ name, size }) => [name, size]);
  same('listFiles', sizes, [
    ['archive', content.length],
    ['small', small.length],
  ]);
  await steps.step('readFile', async () => {
    const read = await bytesOf(await handle.readFile('archive'));
    if (!read.equals(content)) throw new Error('the archive differs');
  });
  await steps.step('endBackup', () => handle.endBackup());
  await steps.step('putFile', () => handle.putFile(manifestName, manifest, { ifAbsent: true }));
  const scanned = await steps.step('scan', () => storage.scan(directory));
  same(
    'scan',
    scanned.map(({ name, files: found }) => [name, found.map((file) => file.name)]),
    [[backup, [manifestName, 'archive', 'small']]],
  );
  const listed = await steps.step('listBackups', () => storage.listBackups(directory));
  same(
    'listBackups',
    listed.map(({ name }) => name),
    [backup],
  );
  const directories = await steps.step('listDirectories', () => storage.listDirectories());
  same('listDirectories', directories, [directory]);
  await steps.step('openBackup', () => storage.openBackup(directory, backup));
}

/** A backup that is complete, made without harm. */
async function completed(storage: BackupStorage, name: string, content: Buffer): Promise<void> {
  const handle = await storage.startBackup(directory, name, owner);
  await handle.uploadFile('archive', sourceOf(content), { attempt: 1 });
  await handle.putFile('small', small);
  await handle.putFile(manifestName, manifest, { ifAbsent: true });
}

/** A backup whose upload failed in the middle, made without harm. */
async function interrupted(storage: BackupStorage, content: Buffer): Promise<void> {
  const handle = await storage.startBackup(directory, backup, owner);
  await handle.putFile('small', small);
  const source = {
    size: content.length,
    async *read(start: number) {
      yield* sourceOf(content.subarray(0, content.length - 10)).read(start);
    },
  };
  await handle.uploadFile('archive', source, { attempt: 1 }).catch(() => undefined);
}

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return { done: true };
  } catch (error) {
    if (error instanceof Lie) throw error;
    return { done: false, error };
  }
}

/** `absent`, `incomplete` or `identical`; of a complete backup that differs from what was stored, how. */
export async function damageOf(
  storage: BackupStorage,
  name: string,
  content: Buffer,
): Promise<string> {
  const found = (await storage.scan(directory)).find((scanned) => scanned.name === name);
  if (found === undefined) return 'absent';
  if (!found.files.some((file) => file.name === manifestName)) return 'incomplete';
  const reader = await storage.openBackup(directory, name);
  for (const [file, truth] of [
    [manifestName, manifest],
    ['archive', content],
    ['small', small],
  ] as const) {
    const read = await bytesOf(await reader.readFile(file));
    if (!read.equals(truth)) return `${file} is damaged`;
  }
  return 'identical';
}

/** A storage that is harmed, the same one without harm, and what lies in it. */
export interface FaultGround {
  readonly harmed: BackupStorage;
  readonly clean: BackupStorage;
  /** Bytes of the archive. */
  readonly content: Buffer;
  /** What is there of backups, whole or not, in the service's own terms. */
  leftovers(): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

type Life = (ground: FaultGround, steps: Steps) => Promise<Outcome>;

async function expectGone(ground: FaultGround): Promise<void> {
  same('what is left', await ground.leftovers(), []);
}

const abortLife: Life = async (ground, steps) => {
  const { harmed, clean, content } = ground;
  await interrupted(clean, content);
  const abort = () => harmed.abortBackup(directory, backup, owner);
  const outcome = await outcomeOf(steps.step('abortBackup', abort));
  if (outcome.done) await expectGone(ground);
  same('complete', (await damageOf(clean, backup, content)) === 'identical', false);
  await clean.abortBackup(directory, backup, owner);
  await expectGone(ground);
  return outcome;
};

const removeLife: Life = async (ground, steps) => {
  const { harmed, clean, content } = ground;
  await completed(clean, backup, content);
  await completed(clean, neighbour, content);
  const remove = () => harmed.removeBackup(directory, backup);
  const outcome = await outcomeOf(steps.step('removeBackup', remove));
  const left = await damageOf(clean, backup, content);
  const allowed = outcome.done ? ['absent'] : ['absent', 'incomplete', 'identical'];
  same(`a removal leaves ${left}`, allowed.includes(left), true);
  same('neighbour', await damageOf(clean, neighbour, content), 'identical');
  await clean.removeBackup(directory, backup);
  await clean.removeBackup(directory, neighbour);
  await expectGone(ground);
  return outcome;
};

const sweepLife: Life = async (ground, steps) => {
  const { harmed, clean, content } = ground;
  await interrupted(clean, content);
  await completed(clean, neighbour, content);
  const sweep = () => harmed.sweep(directory, Number.MAX_SAFE_INTEGER);
  const outcome = await outcomeOf(steps.step('sweep', sweep));
  same('neighbour', await damageOf(clean, neighbour, content), 'identical');
  const left = await damageOf(clean, backup, content);
  same(`a sweep leaves ${left}`, left === 'absent' || !outcome.done, true);
  await clean.sweep(directory, Number.MAX_SAFE_INTEGER);
  await clean.removeBackup(directory, neighbour);
  await expectGone(ground);
  return outcome;
};

const backupLife: Life = async (ground, steps) => {
  const { harmed, clean, content } = ground;
  const outcome = await outcomeOf(backUp(harmed, steps, content));
  const left = await damageOf(clean, backup, content);
  const allowed = outcome.done ? ['identical'] : ['absent', 'incomplete', 'identical'];
  same(`a backup is ${left}`, allowed.includes(left), true);
  // What compensates a failed backup keeps one that is complete.
  await clean.abortBackup(directory, backup, owner);
  const kept = left === 'identical' ? 'identical' : 'absent';
  same('after the abort', await damageOf(clean, backup, content), kept);
  await clean.removeBackup(directory, backup);
  await expectGone(ground);
  return outcome;
};

const lives: Partial<Record<StorageOperation, Life>> = {
  abortBackup: abortLife,
  removeBackup: removeLife,
  sweep: sweepLife,
};

/**
 * Lives through one fault in one operation, and proves that nothing false is left: the backup is complete
 * and identical, or it is not listed as good, and goes without a trace. Gives the outcome.
 */
export function live(ground: FaultGround, strike: Strike): Promise<Outcome> {
  return (lives[strike.operation] ?? backupLife)(ground, new Steps(strike));
}
