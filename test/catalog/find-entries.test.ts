import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serializeManifest, type Manifest } from '../../archive/manifest';
import { findEntries } from '../../catalog/find-entries';
import type { FindRequest } from '../../catalog/find-atoms';
import { PathPattern } from '../../catalog/path-pattern';
import { listBackups } from '../../catalog/storage-catalog';
import { indexName, manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { digestOf, sampleArchive, temporaryDirectory } from '../archive/sample-archive';
import { manifestOf } from './stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const idOf = (day: number): string => `2025010${day}-120000.${controller}`;
const agentConf = '/var/lib/juju/agents/machine-0/agent.conf';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let storage: BackupStorage;
let unreadable: string[];

async function store(day: number, index: Buffer, changes: Partial<Manifest> = {}): Promise<void> {
  const id = idOf(day);
  const handle = await storage.startBackup(controller, id, 'run');
  await handle.putFile('archive.tar.gz', Buffer.from(`archive of ${id}`));
  await handle.putFile(indexName, index);
  const started = `2025-01-0${day}T12:00:00Z`;
  const named = { name: indexName, ...digestOf(index) };
  const manifest = manifestOf(id, { started, index: named, ...changes });
  await handle.putFile(manifestName, serializeManifest(manifest), { ifAbsent: true });
}

/** `day path` of what is found. */
async function found(pattern: string, rest: Partial<FindRequest> = {}): Promise<string[]> {
  const all = await listBackups({ storage });
  const backups = all.filter((backup) => backup.status === 'complete');
  const request = { pattern: new PathPattern(pattern), ...rest };
  const lines: string[] = [];
  const onUnreadable = (backup: { id: string }, error: { code: string }): void =>
    void unreadable.push(`${backup.id.slice(7, 8)} ${error.code}`);
  for await (const { backup, path } of findEntries({ storage, backups, request, onUnreadable })) {
    lines.push(`${backup.id.slice(7, 8)} ${path}`);
  }
  return lines;
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  storage = openFileStorage({ name: 'nas', path: join(directory.path, 'storage') });
  const { index } = await sampleArchive(directory.path);
  await store(1, index);
  await store(2, index);
  await store(3, index, { purpose: 'safety' });
});
afterAll(() => directory.remove());
beforeEach(() => {
  unreadable = [];
});

describe('finding entries', () => {
  it('finds host files by their path, whatever the archive calls them', async () => {
    const expected = [3, 2, 1].map((day) => `${day} ${agentConf}`);
    expect(await found(agentConf)).toEqual(expected);
    expect(await found('/var/**/agent.conf')).toEqual(expected);
    expect(await found('agent.conf')).toEqual(expected);
  });

  it('finds collections by their name in the archive, unless the pattern is for host files', async () => {
    expect(await found('dump/*/statuseshistory.bson')).toEqual([]);
    expect(await found('juju-backup/dump/*/statuseshistory.bson', { numVersions: 1 })).toEqual([
      '3 juju-backup/dump/juju/statuseshistory.bson',
      '2 juju-backup/dump/juju/statuseshistory.bson',
    ]);
    expect(await found('/juju-backup')).toEqual([]);
  });

  it('gives what lies below a directory, too', async () => {
    const below = await found('/var/lib/juju/agents', {
      olderThan: Date.parse('2025-01-02T00:00:00Z'),
    });
    expect(below).toContain(`1 ${agentConf}`);
    expect(below.length).toBeGreaterThan(3);
    expect(below.every((line) => line.startsWith('1 /var/lib/juju/agents'))).toBe(true);
  });

  it('gives so many versions of each, of one host, begun before a moment', async () => {
    expect(await found(agentConf, { numVersions: 1 })).toEqual([
      `3 ${agentConf}`,
      `2 ${agentConf}`,
    ]);
    const olderThan = Date.parse('2025-01-02T12:00:00Z');
    expect(await found(agentConf, { olderThan, host: '0' })).toEqual([`1 ${agentConf}`]);
    expect(await found(agentConf, { host: 'machine-1' })).toEqual([]);
  });

  it('names a backup whose INDEX is damaged, and goes on with the next', async () => {
    const path = join(directory.path, 'storage', controller, idOf(2), indexName);
    const { size } = (await storage.scan(controller))[1]?.files.find(
      ({ name }) => name === indexName,
    ) ?? { size: 0 };
    await writeFile(path, Buffer.alloc(size));
    expect(await found(agentConf)).toEqual([`3 ${agentConf}`, `1 ${agentConf}`]);
    expect(unreadable).toEqual(['2 HF-ARCHIVE-001']);
  });
});
