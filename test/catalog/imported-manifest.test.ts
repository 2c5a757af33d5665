import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { importArchive, type ImportedArchive } from '../../archive/import-archive';
import { importedManifest } from '../../catalog/imported-manifest';
import { archiveName, temporaryDirectory } from '../archive/sample-archive';
import { zlibOf } from '../archive/zlib-of';
import { refusal } from '../storage/refusal';

const fixture = join(__dirname, '../fixtures', archiveName);
const modelUuid = '11111111-2222-4333-8444-555555555555';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let imported: ImportedArchive;
beforeAll(async () => {
  directory = await temporaryDirectory();
  const runDirectory = join(directory.path, 'run');
  await mkdir(runDirectory);
  const compressor = zlibOf(6);
  const options = { archive: archiveName, runDirectory, compressor };
  imported = await importArchive(createReadStream(fixture), options);
});
afterAll(() => directory.remove());

const manifest = (parts: Partial<ImportedArchive>, model: string | undefined) => () =>
  importedManifest({
    imported: { ...imported, ...parts },
    origin: { name: archiveName, ...imported.origin },
    owner: 'upload/1',
    storage: 'attic',
    modelUuid: model,
  });

describe('the MANIFEST of an archive without metadata', () => {
  const none = { metadata: undefined };

  it('is of the controller that is told, and of the machine whose agent is in it', () => {
    const { controller, hosts } = manifest(none, modelUuid)();
    expect([controller.modelUuid, hosts[0]?.machine]).toEqual([modelUuid, 'machine-0']);
  });

  it.each([
    ['controller', none, undefined],
    ['controller', none, 'not a UUID'],
    ['machine', { ...none, agent: undefined }, modelUuid],
  ])('is refused where nothing tells its %s', async (what, parts, model) => {
    const error = await refusal(manifest(parts, model));
    expect([error.code, error.exit, error.message]).toEqual([
      'HF-BACKUP-006',
      14,
      `nothing tells which ${what} ${archiveName} is of`,
    ]);
  });
});
