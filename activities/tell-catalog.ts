import { errorText } from '../core/errors';
import type { ActivityDependencies } from './dependencies';
import type { Progress } from './progress';
import type { Attempt } from './step';

/** Backups that a step changed, or removed. */
export interface ChangedBackups {
  /** Name of the storage. */
  readonly storage: string;
  /** Model UUID of their controller. */
  readonly controller: string;
  readonly ids: readonly string[];
}

/**
 * Enters into the catalog, where one is configured, what the storage now holds of these backups. It is
 * no part of a step: the storage is the truth, so a catalog that cannot be told is a warning.
 * @returns the warning; undefined when all went well
 */
export async function tellCatalog(
  { catalog }: Pick<ActivityDependencies, 'catalog'>,
  attempt: Pick<Attempt, 'signal' | 'warn'> & { readonly progress: Pick<Progress, 'during'> },
  { storage, controller, ids }: ChangedBackups,
): Promise<string | undefined> {
  if (catalog === undefined) return undefined;
  const { signal, progress } = attempt;
  try {
    for (const id of ids) {
      await progress.during(catalog.refresh(storage, controller, id, signal));
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const reason = errorText(error);
    attempt.warn('the catalog was not told', { reason });
    return `the catalog was not told (holdfast catalog rebuild makes up for it): ${reason}`;
  }
}
