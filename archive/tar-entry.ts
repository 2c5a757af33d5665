/** What every kind of tar entry carries. */
export interface TarAttributes {
  /**
   * Relative, parts joined by `/`, no slash at the end (directories neither, as Juju writes them).
   * Bytes that are not UTF-8 are kept as archive/name-bytes describes.
   */
  readonly path: string;
  /** Permission bits, up to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch; may be fractional or negative. */
  readonly mtime: number;
}

export interface TarFile extends TarAttributes {
  readonly type: 'file';
  /** Bytes. */
  readonly size: number;
}

export interface TarDirectory extends TarAttributes {
  readonly type: 'directory';
}

export interface TarSymlink extends TarAttributes {
  readonly type: 'symlink';
  /** Target, as it stands in the link. */
  readonly link: string;
}

/** The only kinds of entry that Holdfast writes and reads. User and group names are left empty. */
export type TarEntry = TarFile | TarDirectory | TarSymlink;

/** A file whose content is known by its digest. */
export interface DescribedFile extends TarFile {
  /** SHA-256 of the content, hex; absent when nobody has computed it yet. */
  readonly sha256?: string;
  /** BSON documents it holds, when it is a `.bson` file and the writer counted them. */
  readonly documents?: number;
}

/** An entry of root.tar. */
export type InnerEntry = DescribedFile | TarDirectory | TarSymlink;

/** An entry of the archive; root.tar also tells what it holds, in the order of the nested tar. */
export type ArchiveEntry =
  (DescribedFile & { readonly inner?: readonly InnerEntry[] }) | TarDirectory | TarSymlink;

/** Bytes of a file's content, 0 for anything else. */
export function entrySize(entry: TarEntry): number {
  return entry.type === 'file' ? entry.size : 0;
}
