import { bsonType, frames, rawElements, stringValue, type RawElement } from './bson-frames';
import { DumpVoidError } from './dump-contract';
import { isExcludedEntryNamespace, splitNamespace } from './namespaces';
import { commandName, compareOpTimes, opTimeText, readEntryHead } from './oplog-window';
import type { EntryHead, OpTime } from './oplog-window';

/** Commands whose first field names a collection of the entry's database. */
const collectionCommands = new Set([
  'create',
  'drop',
  'collMod',
  'createIndexes',
  'startIndexBuild',
  'commitIndexBuild',
  'abortIndexBuild',
  'dropIndexes',
  'deleteIndexes',
  'deleteIndex',
  'dropIndex',
  'emptycapped',
  'convertToCapped',
]);

/** Commands after which data that was scanned before is not where the dump says. */
const voiding = new Set(['renameCollection', 'convertToCapped', 'importCollection']);

/** Collections the oplog window says were made or dropped, by UUID; databases by name. */
export interface WindowChanges {
  readonly created: Set<string>;
  readonly dropped: Set<string>;
  readonly droppedDatabases: Set<string>;
}

interface Operation {
  readonly op: string;
  readonly namespace: string;
  readonly operation: number | undefined;
  /** UUID of the collection it is on, 32 hex digits. */
  readonly uuid: string | undefined;
}

function* innerOperations(entry: Buffer, applyOps: number): Generator<Operation, void, void> {
  for (const list of rawElements(entry, applyOps)) {
    if (list.name !== 'applyOps' || list.type !== bsonType.array) continue;
    for (const inner of rawElements(entry, list.valueStart)) {
      let op = '';
      let namespace = '';
      let operation: number | undefined;
      let uuid: string | undefined;
      for (const element of rawElements(entry, inner.valueStart)) {
        if (element.name === 'ui') uuid = uuidText(entry, element);
        if (element.name === 'op') op = stringValue(entry, element) ?? '';
        if (element.name === 'ns') namespace = stringValue(entry, element) ?? '';
        if (element.name === 'o') operation = element.valueStart;
      }
      yield { op, namespace, operation, uuid };
    }
  }
}

function* strings(entry: Buffer, document: number): Generator<string, void, void> {
  for (const element of rawElements(entry, document)) {
    const text = stringValue(entry, element);
    if (text !== undefined) yield text;
  }
}

function isExcluded(entry: Buffer, { op, namespace, operation }: Operation): boolean {
  if (isExcludedEntryNamespace(namespace)) return true;
  if (op !== 'c' || operation === undefined) return false;
  const name = commandName(entry, operation);
  const [target] = strings(entry, operation);
  if (name === undefined || target === undefined) return false;
  const { database } = splitNamespace(namespace);
  if (collectionCommands.has(name)) return isExcludedEntryNamespace(`${database}.${target}`);
  if (name !== 'renameCollection') return false;
  return [...strings(entry, operation)].every(isExcludedEntryNamespace);
}

function rejectVoiding(entry: Buffer, { op, namespace, operation, uuid }: Operation): void {
  if (namespace === 'admin.system.version' && op !== 'n') {
    throw new DumpVoidError('a change of admin.system.version');
  }
  if (op !== 'c' || operation === undefined) return;
  const name = commandName(entry, operation);
  if (name === undefined || !voiding.has(name)) return;
  if (isExcluded(entry, { op, namespace, operation, uuid })) return;
  throw new DumpVoidError(`${name} (${[...strings(entry, operation)].join(' to ')})`);
}

/** Bytes of a BSON UUID behind its length and subtype. */
function uuidText(entry: Buffer, { valueStart, end }: RawElement): string {
  return entry.toString('hex', valueStart + 5, end);
}

function entryUuid(entry: Buffer): string | undefined {
  for (const element of rawElements(entry)) {
    if (element.name === 'ui') return uuidText(entry, element);
  }
  return undefined;
}

function noteChange(
  entry: Buffer,
  { op, namespace, operation, uuid }: Operation,
  changes: WindowChanges,
): void {
  if (op !== 'c' || operation === undefined) return;
  const name = commandName(entry, operation);
  if (name === 'create' && uuid !== undefined) changes.created.add(uuid);
  if (name === 'drop' && uuid !== undefined) changes.dropped.add(uuid);
  if (name === 'dropDatabase') {
    changes.droppedDatabases.add(splitNamespace(namespace).database);
  }
}

/**
 * Judges one entry of a window: notes collections made and dropped, and tells whether the entry
 * belongs into the dump. Left out are entries on databases and collections Holdfast never touches:
 * some of them (`config.system.sessions`) mongorestore may not even apply. A transaction is left
 * out only when all of it is such and it consists of this one entry.
 *
 * @throws DumpVoidError for a rename (`$out` and mapReduce end in one), convertToCapped,
 * importCollection, a change of `admin.system.version`, or a transaction that began before the window
 * @throws BsonFrameError when it isn't an oplog entry
 */
export function judgeEntry(
  entry: Buffer,
  head: EntryHead,
  windowStart: OpTime,
  changes: WindowChanges,
): boolean {
  const { previous, operation } = head;
  if (previous !== undefined && compareOpTimes({ ts: previous }, windowStart) < 0) {
    throw new DumpVoidError(`a transaction that began at ${opTimeText({ ts: previous })}`);
  }
  const whole = { ...head, uuid: entryUuid(entry) };
  rejectVoiding(entry, whole);
  noteChange(entry, whole, changes);
  const name = head.op === 'c' && operation !== undefined && commandName(entry, operation);
  if (name === 'commitTransaction' || name === 'abortTransaction') return true;
  if (name !== 'applyOps' || operation === undefined) return !isExcluded(entry, whole);
  // Its own namespace is admin.$cmd whatever the operations inside are on.
  let included = previous !== undefined || head.partial;
  let operations = 0;
  for (const inner of innerOperations(entry, operation)) {
    operations++;
    rejectVoiding(entry, inner);
    // Since 4.4 a transaction can make a collection: its create stands inside applyOps.
    noteChange(entry, inner, changes);
    if (!isExcluded(entry, inner)) included = true;
  }
  return included || operations === 0;
}

/**
 * Judges the first entry of a window. What it did was there before the first listing, so a rename
 * in it harms nothing; it is left out, because it can't be replayed onto a collection that already
 * has its new name.
 *
 * @throws BsonFrameError when it isn't an oplog entry
 */
export function judgeFirstEntry(entry: Buffer, head: EntryHead, changes: WindowChanges): boolean {
  try {
    return judgeEntry(entry, head, head.opTime, changes);
  } catch (error) {
    if (error instanceof DumpVoidError) return false;
    throw error;
  }
}

/** Entries of a batch with their heads. @throws BsonFrameError */
export function* entriesOf(
  batch: Buffer,
): Generator<{ entry: Buffer; head: EntryHead }, void, void> {
  for (const entry of frames(batch)) yield { entry, head: readEntryHead(entry) };
}
