import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { readEntry } from '../../archive/read-entry';
import { readDumpFile } from '../../mongo/mongodump-directory';
import { planStages } from '../../mongo/stage-plan';
import type { NamespaceMap } from '../../core/namespace-selection';
import type { OperationRef } from '../../core/operation';
import { nothing } from '../restore/stage-loading';
import type { StageSource } from '../restore/stage-source';
import { chosenCollections, fetchedCollections, selectionOf, type Location } from './chosen';

/**
 * The pieces of an archive that were fetched, each at its own offset; between them nothing is. Every
 * attempt writes the same bytes to the same places, so the attempts share it.
 */
export const archivePieces = join('fetch-collections', 'archive');

/** Content of a collection or the oplog from a byte on. `name` of the archive is for errors. */
export function readLocation(
  directory: string,
  name: string,
  location: Location,
  from: number,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  switch (location.kind) {
    case 'entry': {
      const { line } = location;
      const path = join(directory, archivePieces);
      return readEntry(
        line,
        ({ start, end }) => Promise.resolve(createReadStream(path, { start, end: end - 1 })),
        { archive: name, range: { start: from, end: line.size }, signal },
      );
    }
    case 'file':
      return readDumpFile(location, from, signal);
    default:
      throw new TypeError(`location ${String(location satisfies never)}`);
  }
}

/**
 * What was chosen, as a source of stages.
 *
 * @param isWanted of the names under which it is restored: a part of it
 */
export async function openChosen(
  ref: OperationRef,
  directory: string,
  isWanted: (namespace: string) => boolean,
): Promise<StageSource> {
  const chosen = await chosenCollections.read(directory);
  const { oplog } = chosen;
  const collections = chosen.collections.filter(({ database, name }) =>
    isWanted(`${database}.${name}`),
  );
  const { name: archive } = await fetchedCollections.read(directory);
  return {
    collections,
    read: (wanted, from, signal) => {
      const data = collections.find(
        ({ database, name }) => database === wanted.database && name === wanted.name,
      )?.data;
      return data === undefined ? nothing() : readLocation(directory, archive, data, from, signal);
    },
    oplog:
      oplog === undefined
        ? undefined
        : {
            entries: oplog.entries,
            read: (signal) => readLocation(directory, archive, oplog.data, 0, signal),
            names: partOf(selectionOf(ref), isWanted),
            until: ref.oplogLimit,
          },
    plan: planStages,
  };
}

function partOf(names: NamespaceMap, isWanted: (namespace: string) => boolean): NamespaceMap {
  return {
    source: (target) => names.source(target),
    target: (source) => {
      const target = names.target(source);
      return target !== undefined && isWanted(target) ? target : undefined;
    },
  };
}
