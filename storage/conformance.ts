import { describeBackups } from './conformance-backups';
import { describeEnds } from './conformance-ends';
import { describeFiles } from './conformance-files';
import { behaviours, type StorageUnderTest } from './conformance-kit';
import { describeRaces } from './conformance-races';
import { describeRefusals } from './conformance-refusals';
import { describeTransfers } from './conformance-transfers';

/**
 * The behaviours every storage must have, for a test runner with the globals describe, it and
 * expect. `open` gives an empty storage for each of them.
 */
export function describeStorage(name: string, open: () => Promise<StorageUnderTest>): void {
  const behaves = behaviours(open);
  describeBackups(name, behaves);
  describeFiles(name, behaves);
  describeTransfers(name, behaves);
  describeEnds(name, behaves);
  describeRefusals(name, behaves);
  describeRaces(name, behaves);
}
