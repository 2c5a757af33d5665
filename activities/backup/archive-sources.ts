import { dirname } from 'node:path/posix';
import {
  contentDir,
  dumpDir,
  filesBundle,
  holdfastDir,
  metadataFile,
  oplogFile,
  preludeFile,
} from '../../archive/paths';
import type { RopeSource } from '../../archive/rope';
import { holdfastVersion } from '../../core/version';
import { oplogStream } from '../../mongo/dump';
import { preludeJson } from '../../mongo/metadata-json';
import type { FinishedBundle } from './bundle-files';
import type { FinishedDump } from './dump-database';

/** The parts an archive is composed of. */
export interface ArchiveParts {
  readonly metadata: Buffer;
  readonly dump: FinishedDump;
  readonly bundle: FinishedBundle;
  /** Time of the entries Holdfast makes itself, seconds since the epoch. */
  readonly mtime: number;
}

/** The entries of a Juju archive in their order; metadata.json first, so that it is reached at once. */
export function* archiveSources(parts: ArchiveParts): Generator<RopeSource> {
  const { metadata, dump, bundle, mtime } = parts;
  const owner = { uid: 0, gid: 0, mtime };
  const directory = (path: string): RopeSource => ({
    type: 'directory',
    path,
    mode: 0o700,
    ...owner,
  });
  const small = (path: string, bytes: Buffer): RopeSource => ({
    type: 'bytes',
    path,
    mode: 0o600,
    ...owner,
    bytes,
  });
  const streams = new Map(dump.streams.map((stream) => [stream.name, stream]));
  const spooled = (path: string, stream: string, documents: number): RopeSource => {
    const members = streams.get(stream)?.members ?? [];
    return {
      type: 'spooled',
      path,
      mode: 0o600,
      ...owner,
      members: members.map(({ file, offset, stored, content, sha256 }) => ({
        file,
        offset,
        stored,
        content,
        sha256,
      })),
      size: members.reduce((sum, { content }) => sum + content, 0),
      documents,
    };
  };

  yield directory(contentDir);
  yield small(metadataFile, metadata);
  yield {
    type: 'bundle',
    path: filesBundle,
    mode: 0o600,
    ...owner,
    members: bundle.members,
    size: bundle.size,
    inner: bundle.entries,
  };
  yield directory(dumpDir);
  yield spooled(oplogFile, oplogStream, dump.window.entries);
  yield small(preludeFile, preludeJson(dump.version, `holdfast ${holdfastVersion}`));
  let database: string | undefined;
  for (const collection of dump.collections) {
    if (collection.database !== database) {
      database = collection.database;
      yield directory(`${dumpDir}/${dirname(collection.metadataFile)}`);
    }
    if (collection.data !== undefined) {
      const { file, stream } = collection.data;
      yield spooled(`${dumpDir}/${file}`, stream, collection.documents);
    }
    yield small(`${dumpDir}/${collection.metadataFile}`, Buffer.from(collection.metadataJson));
  }
  yield directory(holdfastDir);
  yield small(`${holdfastDir}/users.bson`, Buffer.from(dump.users, 'base64'));
  yield small(`${holdfastDir}/roles.bson`, Buffer.from(dump.roles, 'base64'));
}
