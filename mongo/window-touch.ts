import { sameNames, type NamespaceMap } from '../core/namespace-selection';
import { rawId } from './bson-frames';
import { bucketsNamespace, seriesOf } from './namespaces';
import { OplogUnfolder } from './oplog-unfold';
import { rawDocuments } from './raw-stream';

/**
 * Whether entries of the oplog window touch a document: `isTouchedInWindow` for loadCollection. Reads
 * the window for every question, which is asked only for a document that mongod holds already.
 *
 * @param read content of oplog.bson from its first byte; chunks may end anywhere
 * @param names the names that the oplog has of what is asked for
 * @throws HoldfastError HF-REPLAY-001, BsonFrameError, and the signal's reason, all when it is asked
 */
export function windowTouch(
  read: (signal: AbortSignal) => AsyncIterable<Buffer>,
  signal: AbortSignal,
  names: NamespaceMap = sameNames,
): (namespace: string, rawIdentity: Buffer) => Promise<boolean> {
  return async (target, identity) => {
    const series = seriesOf(target);
    const namespace =
      series === target ? names.source(target) : bucketsNamespace(names.source(series));
    const unfolder = new OplogUnfolder();
    for await (const group of rawDocuments(read(signal))) {
      signal.throwIfAborted();
      for (const operation of group.flatMap((raw) => unfolder.unfold(raw))) {
        if (operation.namespace !== namespace || operation.op === 'c') continue;
        const { op, o, o2 } = operation;
        if (rawId(op === 'u' && o2 !== undefined ? o2 : o)?.equals(identity) === true) return true;
      }
    }
    return false;
  };
}
