import { loadConfig } from '../../config/load';
import { withDefaultStorage } from '../../config/storages';
import { StoredBackups } from '../stored-backups';
import type { CommandContext } from './context';

/**
 * As withClient, for a command that only looks into storages: Temporal's SDK takes longer to load than
 * most of them take to answer.
 */
export async function withBackups<T>(
  { environment, config: file, terminal }: CommandContext,
  use: (backups: StoredBackups) => Promise<T>,
  storage?: string,
): Promise<T> {
  const { config } = await loadConfig({ environment, file });
  const chosen = storage === undefined ? config : withDefaultStorage(config, storage);
  const backups = new StoredBackups(chosen, environment, (notice) => terminal.notice(notice));
  try {
    return await use(backups);
  } finally {
    await backups.close();
  }
}
