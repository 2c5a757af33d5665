import { canonicalJson, jsonString } from './canonical-json';
import type { DescribedCollection } from './collections';

/** Length of a document without elements, bytes. */
const emptyDocumentBytes = 5;

/**
 * The `metadata.json` of a collection, byte for byte as mongodump 100.x writes it: one line of
 * canonical Extended JSON v2 with `options` (when there are any), `indexes`, `uuid` (when it has
 * one), `collectionName` and `type`, keys inside in mongod's own order.
 */
export function metadataJson(collection: DescribedCollection): Buffer {
  const { options, indexes, uuid, name, type } = collection;
  const members = [
    ...(options.length > emptyDocumentBytes ? [`"options":${canonicalJson(options)}`] : []),
    `"indexes":[${indexes.map((index) => canonicalJson(index)).join(',')}]`,
    ...(uuid === undefined ? [] : [`"uuid":"${uuid}"`]),
    `"collectionName":${jsonString(name)}`,
    `"type":"${type}"`,
  ];
  return Buffer.from(`{${members.join(',')}}`);
}

/** `prelude.json` of a dump, which mongorestore reads to know the server's version. */
export function preludeJson(serverVersion: string, toolVersion: string): Buffer {
  return Buffer.from(
    `{"ServerVersion":${jsonString(serverVersion)},"ToolVersion":${jsonString(toolVersion)}}`,
  );
}
