/** The only top-level entry of a Juju archive (juju: archive layout). */
export const contentDir = 'juju-backup';

/** Where a Juju archive keeps what describes it. */
export const metadataFile = `${contentDir}/metadata.json`;

/** The plain tar of the host's files, nested in the archive. */
export const filesBundle = `${contentDir}/root.tar`;

/** What mongodump would have written: `<database>/<collection>.bson`, and `oplog.bson` at its top. */
export const dumpDir = `${contentDir}/dump`;

/** The operations that happened while the dump ran. */
export const oplogFile = `${dumpDir}/oplog.bson`;

/** Versions of server and tool, as mongodump writes it since 100.12. */
export const preludeFile = `${dumpDir}/prelude.json`;

/** Settings of the environment, which Juju to 1.20 wrote in place of metadata. */
export const environConfigFile = `${contentDir}/environconfig.json`;

/** What Holdfast keeps beside Juju's own entries; Juju's tools pass over it. */
export const holdfastDir = `${contentDir}/holdfast`;

/** Name of the index of an archive, in its backup's storage directory. */
export const indexName = 'INDEX';

/** Name of the file that makes a backup complete. */
export const manifestName = 'MANIFEST';

/** Stands between the path of the nested tar and a path inside it: `juju-backup/root.tar!/var/lib/juju`. */
export const innerSeparator = '!/';

/** How INDEX calls an entry of root.tar; `path` is relative, as in the tar itself. */
export function innerPath(path: string): string {
  return `${filesBundle}${innerSeparator}${path}`;
}

/** The path inside root.tar that an INDEX path names, or undefined for an entry of the archive itself. */
export function pathInBundle(indexPath: string): string | undefined {
  const prefix = `${filesBundle}${innerSeparator}`;
  return indexPath.startsWith(prefix) ? indexPath.slice(prefix.length) : undefined;
}
