import type { Manifest } from '../../archive/manifest';
import { HoldfastError } from '../../core/errors';
import { archiveName } from '../../core/ids';
import type { ArchiveFacts } from '../../core/messages';

/** What a MANIFEST says of the controller's archive. @throws HoldfastError HF-MANIFEST-001 when it names none. */
export function archiveFacts(manifest: Manifest): ArchiveFacts {
  const name = archiveName(manifest.backupId);
  const file = manifest.files.find((each) => each.name === name);
  if (file === undefined) {
    throw new HoldfastError('HF-MANIFEST-001', {
      backup: manifest.backupId,
      reason: `it names no file ${name}`,
    });
  }
  return {
    name,
    size: file.stored.size,
    sha256: file.stored.sha256,
    sha1Base64: file.content.sha1Base64,
  };
}
