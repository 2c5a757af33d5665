import type { NamespaceMap } from '../../core/namespace-selection';
import type { OplogMoment } from '../../core/oplog-limit';
import type { DumpedCollection, ListedCollection, StagePlan } from '../../mongo/stage-plan';

/** Data that is loaded into stages, wherever it lies. */
export interface StageSource {
  /** Under the names they are to have. */
  readonly collections: readonly DumpedCollection[];
  /** Content of a collection's .bson from a byte on, which is a document's boundary. */
  read(
    collection: { readonly database: string; readonly name: string },
    from: number,
    signal: AbortSignal,
  ): AsyncIterable<Buffer>;
  /** The oplog window; undefined when there is none. */
  readonly oplog: StageOplog | undefined;
  /** Plans the stages beside what is on the server. */
  plan(collections: readonly DumpedCollection[], live: readonly ListedCollection[]): StagePlan;
}

export interface StageOplog {
  readonly entries: number;
  read(signal: AbortSignal): AsyncIterable<Buffer>;
  /** Which of its namespaces are replayed, and under which names. */
  readonly names: NamespaceMap;
  /** The first moment that is not replayed any more. */
  readonly until: OplogMoment | undefined;
}
