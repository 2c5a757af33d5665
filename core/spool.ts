/** A gzip member that lies ready in a file of an operation's run directory. */
export interface SpoolMember {
  /** File name relative to the run directory, such as `dump/seg-2`. */
  readonly file: string;
  /** Where the member begins in that file, bytes. */
  readonly offset: number;
  /** Length of the gzip member, bytes. */
  readonly stored: number;
  /** Length of what it holds once decompressed, bytes. */
  readonly content: number;
  /** SHA-256 of the stored bytes, hex. */
  readonly sha256: string;
}
