import type { LoadSummary } from '../activities/steps';
import type { OperationRef } from '../core/operation';
import type { HostRunner } from './host-steps';
import type { OperationState } from './operation-state';
import { loadedText } from './restore-report';

/** What goes by no rename, where it was asked for: dropped, and loaded again. */
export async function loadInPlace(
  ref: OperationRef,
  host: HostRunner,
  state: OperationState,
): Promise<LoadSummary | undefined> {
  if (ref.collections?.inPlace !== true) return undefined;
  state.enter('loading');
  const loaded = await host.run('loadInPlace', [ref], {
    summary: 'replace time series where they are',
  });
  state.counted(loadedText(loaded));
  return loaded;
}

/** The window is read once for each: its entries count once. */
export function sumOf(loaded: LoadSummary, inPlace: LoadSummary | undefined): LoadSummary {
  return {
    collections: loaded.collections + (inPlace?.collections ?? 0),
    documents: loaded.documents + (inPlace?.documents ?? 0),
    oplogEntries: loaded.oplogEntries,
  };
}
