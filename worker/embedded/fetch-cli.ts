import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:process';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { HoldfastError, errorText } from '../../core/errors';

/** Version of the CLI that `--fetch` downloads. */
export const fetchedVersion = '1.5.1';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Temporal's official download of the CLI for this system. */
export function downloadUrl(): string {
  const query = `platform=${platform}&arch=${architectures[arch] ?? arch}`;
  return `https://temporal.download/cli/archive/v${fetchedVersion}?${query}`;
}

/**
 * Downloads the Temporal CLI into the cache and returns its path. It appears there whole or not at
 * all, also when two processes do it at once.
 * @throws HoldfastError HF-TEMPORAL-002 when it can't be downloaded.
 */
export async function fetchCli(cache: string, url: string, signal: AbortSignal): Promise<string> {
  const path = join(cache, 'servers', `temporal-${fetchedVersion}`, 'bin', 'temporal');
  await mkdir(dirname(path), { recursive: true });
  const aside = await mkdtemp(join(cache, 'fetch-'));
  try {
    const program = join(aside, 'temporal');
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    await extractProgram(Readable.fromWeb(response.body), program, signal);
    await chmod(program, 0o755);
    await rename(program, path);
    return path;
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new HoldfastError(
      'HF-TEMPORAL-002',
      { looked: `${url} (${errorText(cause)})` },
      { cause: error },
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function extractProgram(
  archive: Readable,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const entries = extract();
  let found = false;
  const readEntries = async (): Promise<void> => {
    for await (const entry of entries) {
      if (entry.header.type === 'file' && entry.header.name.replace(/^\.\//, '') === 'temporal') {
        await pipeline(entry, createWriteStream(target, { flags: 'wx' }), { signal });
        found = true;
      } else {
        entry.resume();
      }
    }
  };
  await Promise.all([pipeline(archive, createGunzip(), entries, { signal }), readEntries()]);
  if (!found) throw new Error('the archive holds no `temporal`');
}
