import { oplogStream, type DumpSink } from '../../mongo/dump';
import type { StepBudget } from '../pace';

/**
 * The same sink, which accepts collections at the rate of a budget. The oplog is charged but never
 * held back: mongod overwrites it whether or not it has been read.
 */
export function pacedSink(sink: DumpSink, budget: StepBudget): DumpSink {
  return {
    reserve: (stream, bytes) => sink.reserve(stream, bytes),
    write: async (stream, bytes, documents, position) => {
      if (stream === oplogStream) budget.spend(bytes.length);
      else await budget.take(bytes.length);
      await sink.write(stream, bytes, documents, position);
    },
    finish: (stream) => sink.finish(stream),
    rewind: (stream, to) => sink.rewind(stream, to),
    reset: (reason) => sink.reset(reason),
    bind: (binding) => sink.bind(binding),
  };
}
