/** What every storage's configuration has; the rest belongs to its type. */
export interface StorageConfig {
  readonly name: string;
  readonly type: string;
}
