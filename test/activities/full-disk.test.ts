import { writeFile } from 'node:fs/promises';
import { orFullDisk } from '../../activities/full-disk';
import { HoldfastError } from '../../core/errors';

/** The kernel's own error for a device that is full. */
async function fullDevice(): Promise<unknown> {
  return await writeFile('/dev/full', 'a').catch((error: unknown) => error);
}

const workspace = '/var/lib/holdfast';

describe('a step that finds its volume full', () => {
  it('ends the operation with HF-DISK-001, whoever met the full disk', async () => {
    const cause = await fullDevice();
    const reason = 'ENOSPC';
    const met = [
      cause,
      new HoldfastError('HF-WORKSPACE-001', { path: workspace, reason }, { cause }),
      new HoldfastError('HF-FILES-001', { path: '/etc/a', action: 'written', reason }, { cause }),
    ];
    for (const error of met) {
      const told = await orFullDisk(error, 'dumpDatabase', workspace);
      expect(told).toMatchObject({ code: 'HF-DISK-001', exit: 16, retryable: false, cause: error });
      expect(told).toHaveProperty(
        'message',
        expect.stringMatching(/^\/\S+ has .+ free, more are needed for dumpDatabase$/),
      );
    }
  });

  it.each(['undoBackup', 'undoRestore', 'finishRestore'])(
    'waits for space in %s, which must not be given up',
    async (step) => {
      const cause = await fullDevice();
      const stored = new HoldfastError(
        'HF-DISK-001',
        { path: '/srv/store', free: '0 B', need: 'more', what: 'a' },
        { cause },
      );
      expect(await orFullDisk(cause, step, workspace)).toMatchObject({
        code: 'HF-DISK-002',
        exit: 16,
        retryable: true,
      });
      expect(await orFullDisk(stored, step, workspace)).toMatchObject({
        code: 'HF-DISK-002',
        message: expect.stringMatching(/^\/srv\/store is full/),
      });
    },
  );

  it('keeps what the storage said of its own volume, and any other error', async () => {
    const cause = await fullDevice();
    const params = { path: '/srv/store', free: '0 B', need: 'more', what: 'a' };
    const stored = new HoldfastError('HF-DISK-001', params, { cause });
    const other = new Error('odd', { cause: new Error('ENOSPC is not its code') });
    expect(await orFullDisk(stored, 'storeArchive', workspace)).toBe(stored);
    expect(await orFullDisk(other, 'undoBackup', workspace)).toBe(other);
  });
});
