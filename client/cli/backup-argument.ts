import { isHoldfastError } from '../../core/errors';
import { parseBackupId } from '../../core/ids';
import type { HoldfastClient } from '../holdfast-client';

/**
 * The full id of the backup that an argument names. A full id is taken as it is, so that it can be
 * used where the storage is out of reach; the beginning of one is looked up in the storage.
 * @throws HoldfastError as `HoldfastClient.info`.
 */
export async function resolveBackup(client: HoldfastClient, id: string): Promise<string> {
  try {
    parseBackupId(id);
    return id;
  } catch (error) {
    if (!isHoldfastError(error, 'HF-BACKUP-001')) throw error;
    return (await client.info(id)).summary.id;
  }
}
