/** Who wrote metadata.json: the fields differ, the format version alone does not tell them all. */
export type MetadataShape = 'v0-1.21' | 'v0-2.0' | 'v1-2.8' | 'v1-3.0' | 'v2';

/** Properties of JujuMetadata that stand in metadata.json. */
export type MetadataProperty =
  | 'id'
  | 'formatVersion'
  | 'checksum'
  | 'checksumFormat'
  | 'size'
  | 'stored'
  | 'started'
  | 'finished'
  | 'notes'
  | 'modelUuid'
  | 'machine'
  | 'hostname'
  | 'version'
  | 'series'
  | 'base'
  | 'controllerUuid'
  | 'haNodes'
  | 'controllerMachineId'
  | 'controllerMachineInstanceId'
  | 'caCert'
  | 'caPrivateKey';

type Fields = readonly (readonly [name: string, property: MetadataProperty])[];

const id: Fields = [['ID', 'id']];
const formatVersion: Fields = [['FormatVersion', 'formatVersion']];
const file: Fields = [
  ['Checksum', 'checksum'],
  ['ChecksumFormat', 'checksumFormat'],
  ['Size', 'size'],
];
const times: Fields = [
  ['Stored', 'stored'],
  ['Started', 'started'],
  ['Finished', 'finished'],
  ['Notes', 'notes'],
];
const environment: Fields = [['Environment', 'modelUuid']];
const model: Fields = [['ModelUUID', 'modelUuid']];
const origin: Fields = [
  ['Machine', 'machine'],
  ['Hostname', 'hostname'],
  ['Version', 'version'],
];
const series: Fields = [['Series', 'series']];
const base: Fields = [['Base', 'base']];
const controller: Fields = [
  ['ControllerUUID', 'controllerUuid'],
  ['HANodes', 'haNodes'],
  ['ControllerMachineID', 'controllerMachineId'],
  ['ControllerMachineInstanceID', 'controllerMachineInstanceId'],
];
const authority: Fields = [
  ['CACert', 'caCert'],
  ['CAPrivateKey', 'caPrivateKey'],
];

/** The fields of each shape in the order Juju writes them (its flat metadata structs, 1.21 to 3.6). */
export const metadataFields: Readonly<Record<MetadataShape, Fields>> = {
  'v0-1.21': [...id, ...file, ...times, ...environment, ...origin],
  'v0-2.0': [...id, ...file, ...times, ...environment, ...origin, ...series, ...authority],
  'v1-2.8': [
    ...id,
    ...formatVersion,
    ...file,
    ...times,
    ...model,
    ...origin,
    ...series,
    ...controller,
    ...authority,
  ],
  'v1-3.0': [
    ...id,
    ...formatVersion,
    ...file,
    ...times,
    ...model,
    ...origin,
    ...base,
    ...controller,
  ],
  v2: [...id, ...formatVersion, ...times, ...model, ...origin, ...base, ...controller],
};

/** Format version that a shape carries; v0 has no such field. */
export function formatVersionOf(shape: MetadataShape): 0 | 1 | 2 {
  switch (shape) {
    case 'v0-1.21':
    case 'v0-2.0':
      return 0;
    case 'v1-2.8':
    case 'v1-3.0':
      return 1;
    case 'v2':
      return 2;
  }
}

const versionPattern = /^(\d+)\.(\d+)(?:\.(\d+)|-[a-z]+\d+)?(?:[.-].*)?$/;

/**
 * The shape a Juju of this version writes (`2.9.21`, `3.6-beta2`, `2.9.31.1`): v0 to 2.7, v1 from
 * 2.8, v2 from 2.9.58 and 3.6.22. A version that can't be read is taken for a new one.
 */
export function metadataShapeFor(jujuVersion: string): MetadataShape {
  const match = versionPattern.exec(jujuVersion);
  const [major, minor, patch] = [match?.[1], match?.[2], match?.[3] ?? '0'].map(Number);
  if (major === undefined || minor === undefined || patch === undefined || match === null) {
    return 'v2';
  }
  const reached = (...[a, b, c]: readonly [number, number, number]): boolean =>
    major !== a ? major > a : minor !== b ? minor > b : patch >= c;
  if (!reached(2, 0, 0)) return 'v0-1.21';
  if (!reached(2, 8, 0)) return 'v0-2.0';
  if (major === 2) return reached(2, 9, 58) ? 'v2' : 'v1-2.8';
  return reached(3, 6, 22) ? 'v2' : 'v1-3.0';
}

/** The shape for a format version the operator asked for, as close to the Juju version as there is. */
export function metadataShapeOf(format: 0 | 1 | 2, jujuVersion: string): MetadataShape {
  const own = metadataShapeFor(jujuVersion);
  if (formatVersionOf(own) === format) return own;
  switch (format) {
    case 0:
      return 'v0-2.0';
    case 1:
      return jujuVersion.startsWith('2.') ? 'v1-2.8' : 'v1-3.0';
    case 2:
      return 'v2';
  }
}
