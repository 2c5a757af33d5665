import { describeBackups } from './conformance-backups';
import { describeEnds } from './conformance-ends';
import { describeFiles } from './conformance-files';
import { behaviours, type StorageUnderTest } from './conformance-kit';

/**
 * The behaviours every storage must have, for a test runner with the globals describe, it and
 * expect. `open` gives an empty storage for each of them.
 */
export function describeStorage(name: string, open: () => Promise<StorageUnderTest>): void {
  const behaves = behaviours(open);
  describeBackups(name, behaves);
  describeFiles(name, behaves);
  describeEnds(name, behaves);
}
