import { loadConfig } from '../../config/load';
import { withDefaultStorage } from '../../config/storages';
import { StoredBackups } from '../stored-backups';
import type { CommandContext } from './context';

/**
 * As withClient, for a command that only looks into storages: Temporal's SDK takes longer to load than
 * most of them take to answer.
 */
export function withBackups<T>(
  context: CommandContext,
  use: (backups: StoredBackups) => Promise<T>,
  storage?: string,
): Promise<T> {
  return withOpened(StoredBackups, context, use, storage);
}

/** Runs `use` with one that is made of the configuration, and closes it whatever happens. */
export async function withOpened<C extends StoredBackups, T>(
  Opened: new (...parts: ConstructorParameters<typeof StoredBackups>) => C,
  { environment, config: file, terminal }: CommandContext,
  use: (opened: C) => Promise<T>,
  storage: string | undefined,
): Promise<T> {
  const { config } = await loadConfig({ environment, file });
  const chosen = storage === undefined ? config : withDefaultStorage(config, storage);
  const opened = new Opened(chosen, environment, (notice) => terminal.notice(notice));
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}
