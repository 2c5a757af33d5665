import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFiles } from '../../archive/files-bundle';
import { inspectRope } from '../../archive/inspect-rope';
import { composeRope } from '../../archive/rope';
import { SegmentFile } from '../../archive/segment-file';
import { archiveName, attributes, directory, temporaryDirectory } from './sample-archive';
import { zlibOf } from './zlib-of';

test('a host file that is only named like a dump is bundled as any other', async () => {
  const run = await temporaryDirectory();
  try {
    const root = join(run.path, 'host');
    await mkdir(join(root, 'tools'), { recursive: true });
    await writeFile(join(root, 'tools', 'notes.bson'), 'no BSON at all');
    const segment = await SegmentFile.create(run.path, 'seg-1');
    const bundle = await bundleFiles({
      root,
      paths: [join(root, 'tools')],
      segment,
      compressor: zlibOf(1),
    });
    await segment.close();
    const { members, size, entries } = bundle;
    const rope = await composeRope(
      [
        { type: 'directory', path: 'juju-backup', ...directory },
        {
          type: 'bundle',
          path: 'juju-backup/root.tar',
          ...attributes,
          members,
          size,
          inner: entries,
        },
      ],
      { runDirectory: run.path, literalsFile: 'literals-1', compressor: zlibOf(1) },
    );
    const inspected = await inspectRope(rope, {
      runDirectory: run.path,
      indexFile: 'index-1',
      archive: archiveName,
    });
    expect(inspected).toMatchObject({ files: 2, documents: 0 });
  } finally {
    await run.remove();
  }
});
