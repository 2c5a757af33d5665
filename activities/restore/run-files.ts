import { join } from 'node:path';

/** Copies of what the storage holds, and the journals of a restore, in its run directory. */
export const runFiles = {
  manifest: (directory: string): string => join(directory, 'MANIFEST'),
  index: (directory: string): string => join(directory, 'INDEX'),
  /** The file swap's journal, which controller/swap-list reads and writes. */
  fileSwap: (directory: string): string => join(directory, 'file-swap.json'),
  services: (directory: string): string => join(directory, 'services.json'),
  users: (directory: string): string => join(directory, 'users.json'),
} as const;
