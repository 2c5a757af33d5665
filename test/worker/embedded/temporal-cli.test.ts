import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { downloadUrl, fetchCli, fetchedVersion } from '../../../worker/embedded/fetch-cli';
import { findTemporalCli } from '../../../worker/embedded/temporal-cli';
import { removeDirectories, temporaryDirectory } from '../../client/temporary';

afterAll(removeDirectories);

const says = (server: string) =>
  `#!/bin/sh\necho "temporal version 1.5.1 (Server ${server}, UI 2.42.1)"\n`;

async function install(path: string, script: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

it('is found by name, variable, PATH and cache, in this order', async () => {
  const home = await temporaryDirectory();
  const named = await install(join(home, 'named'), says('1.1.0'));
  const byVariable = await install(join(home, 'variable'), says('1.2.0'));
  const bin = join(home, 'bin');
  const onPath = await install(join(bin, 'temporal'), says('1.3.0'));
  const cache = join(home, '.cache/holdfast/servers');
  await install(join(cache, 'temporal-1.9.0/bin/temporal'), says('1.4.0'));
  const newest = await install(join(cache, 'temporal-1.10.0/bin/temporal'), says('1.5.0'));
  const find = (search: { named?: string; variables?: Record<string, string> }) =>
    findTemporalCli({ named: search.named, variables: search.variables ?? {}, home });
  const all = { HOLDFAST_TEMPORAL_CLI: byVariable, PATH: bin };
  expect(await find({ named, variables: all })).toEqual({ path: named, server: '1.1.0' });
  expect(await find({ variables: all })).toEqual({ path: byVariable, server: '1.2.0' });
  expect(await find({ variables: { PATH: bin } })).toEqual({ path: onPath, server: '1.3.0' });
  expect(await find({})).toEqual({ path: newest, server: '1.5.0' });
});

it('is never another one than the one that was named', async () => {
  const home = await temporaryDirectory();
  const bin = join(home, 'bin');
  await install(join(bin, 'temporal'), says('1.3.0'));
  const named = join(home, 'missing');
  await expect(findTemporalCli({ named, variables: { PATH: bin }, home })).rejects.toMatchObject({
    code: 'HF-TEMPORAL-002',
    exit: 17,
  });
  const other = await install(join(home, 'other'), '#!/bin/sh\necho hello\n');
  await expect(findTemporalCli({ named: other, variables: {}, home })).rejects.toThrow(
    '`--version` names no server',
  );
});

describe('--fetch', () => {
  let server: Server;
  let url: string;
  let answer: Buffer | undefined;

  beforeAll(async () => {
    server = createServer((_, response) => {
      response.statusCode = answer === undefined ? 404 : 200;
      response.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const signal = AbortSignal.timeout(10_000);

  it('asks for a pinned version of the official download', () => {
    expect(downloadUrl()).toMatch(
      new RegExp(
        `^https://temporal\\.download/cli/archive/v${fetchedVersion}\\?platform=\\w+&arch=\\w+$`,
      ),
    );
  });

  it('puts the program into the cache, whole and executable, and nothing else', async () => {
    const cache = join(await temporaryDirectory(), 'holdfast');
    await mkdir(cache);
    const archive = pack();
    archive.entry({ name: 'LICENSE' }, 'text');
    archive.entry({ name: 'temporal' }, says('1.29.1'));
    archive.finalize();
    const bytes: Uint8Array[] = [];
    for await (const chunk of archive) if (Buffer.isBuffer(chunk)) bytes.push(chunk);
    answer = gzipSync(Buffer.concat(bytes));
    const path = await fetchCli(cache, url, signal);
    expect(await readFile(path, 'utf8')).toBe(says('1.29.1'));
    expect(await findTemporalCli({ named: path, variables: {}, home: '/' })).toMatchObject({
      server: '1.29.1',
    });
    expect(await readdir(cache)).toEqual(['servers']);
  });

  it('leaves nothing behind when the download fails or is cut off', async () => {
    const cache = join(await temporaryDirectory(), 'holdfast');
    await mkdir(cache);
    for (const bad of [undefined, answer?.subarray(0, 40)]) {
      answer = bad;
      await expect(fetchCli(cache, url, signal)).rejects.toMatchObject({ code: 'HF-TEMPORAL-002' });
    }
    expect(await readdir(join(cache, 'servers', `temporal-${fetchedVersion}`, 'bin'))).toEqual([]);
    expect((await readdir(cache)).filter((name) => name !== 'servers')).toEqual([]);
  });
});
