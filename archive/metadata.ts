import { z } from 'zod';
import { HoldfastError, errorText } from '../core/errors';
import { goObject, goZeroTime } from './go-json';
import {
  formatVersionOf,
  metadataFields,
  metadataShapeFor,
  type MetadataProperty,
  type MetadataShape,
} from './metadata-shape';
import { metadataFile } from './paths';

/**
 * What Juju's metadata.json says, whichever version wrote it; what a version does not know is empty
 * or 0. Times are RFC 3339 with nanoseconds, kept as text so that nothing is lost.
 */
export interface JujuMetadata {
  /** Empty inside an archive. */
  readonly id: string;
  readonly formatVersion: 0 | 1 | 2;
  /** Empty inside an archive: it is written before the archive exists. So are size and finished. */
  readonly checksum: string;
  readonly checksumFormat: string;
  /** Bytes of the .tar.gz. */
  readonly size: number;
  readonly stored: string;
  readonly started: string;
  readonly finished: string;
  readonly notes: string;
  /** Controller model UUID (`Environment` in v0). */
  readonly modelUuid: string;
  /** Machine id: `0`. */
  readonly machine: string;
  readonly hostname: string;
  /** Juju's version. */
  readonly version: string;
  /** `focal`, to 2.9. */
  readonly series: string;
  /** `ubuntu@22.04`, from 3.0. */
  readonly base: string;
  readonly controllerUuid: string;
  readonly haNodes: number;
  readonly controllerMachineId: string;
  readonly controllerMachineInstanceId: string;
  /** PEM, 2.0 to 2.9. */
  readonly caCert: string;
  /** PEM in clear, 2.0 to 2.9: a secret. */
  readonly caPrivateKey: string;
}

/** Version that archives without metadata.json are taken for: Juju 1.20 and older write none. */
export const versionWithoutMetadata = '1.20.0';

/** Metadata with nothing known but what is given. */
export function emptyMetadata(known: Partial<JujuMetadata>): JujuMetadata {
  return {
    id: '',
    formatVersion: 0,
    checksum: '',
    checksumFormat: '',
    size: 0,
    stored: goZeroTime,
    started: goZeroTime,
    finished: goZeroTime,
    notes: '',
    modelUuid: '',
    machine: '',
    hostname: '',
    version: '',
    series: '',
    base: '',
    controllerUuid: '',
    haNodes: 0,
    controllerMachineId: '',
    controllerMachineInstanceId: '',
    caCert: '',
    caPrivateKey: '',
    ...known,
  };
}

/**
 * metadata.json as a Juju of this shape writes it, byte for byte (Go's encoding/json: order of
 * fields, escapes, newline at the end).
 */
export function serializeMetadata(shape: MetadataShape, metadata: JujuMetadata): Buffer {
  const values = { ...metadata, formatVersion: formatVersionOf(shape) };
  const fields = metadataFields[shape].map(([name, property]) => [name, values[property]] as const);
  return Buffer.from(goObject(fields), 'utf8');
}

/** What metadata.json held, and in whose shape. */
export interface ParsedMetadata {
  readonly shape: MetadataShape;
  readonly metadata: JujuMetadata;
}

const everyField = Object.values(metadataFields).flat();

const propertyByName: ReadonlyMap<string, MetadataProperty> = new Map(
  everyField.map(([name, property]) => [name.toLowerCase(), property]),
);

const count = z.number().int().min(0);
const valuesSchema = z.object({
  id: z.string(),
  formatVersion: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  checksum: z.string(),
  checksumFormat: z.string(),
  size: count,
  stored: z.string(),
  started: z.string(),
  finished: z.string(),
  notes: z.string(),
  modelUuid: z.string(),
  machine: z.string(),
  hostname: z.string(),
  version: z.string(),
  series: z.string(),
  base: z.string(),
  controllerUuid: z.string(),
  haNodes: count,
  controllerMachineId: z.string(),
  controllerMachineInstanceId: z.string(),
  caCert: z.string(),
  caPrivateKey: z.string(),
});

function shapeOf(
  format: 0 | 1 | 2,
  found: ReadonlySet<MetadataProperty>,
  version: string,
): MetadataShape {
  switch (format) {
    case 0:
      return found.has('series') || found.has('caCert') ? 'v0-2.0' : 'v0-1.21';
    case 1:
      if (found.has('base')) return 'v1-3.0';
      return found.has('series') || metadataShapeFor(version) === 'v1-2.8' ? 'v1-2.8' : 'v1-3.0';
    case 2:
      return 'v2';
  }
}

/**
 * Reads metadata.json of any Juju from 1.21 to 3.6, as Go does: names in any case, unknown ones
 * passed over, missing ones empty. `archive` names the archive in errors.
 * @throws HoldfastError HF-ARCHIVE-003 for a format version it does not know, HF-ARCHIVE-001 when
 * it is no such JSON.
 */
export function parseMetadata(bytes: Uint8Array, archive: string): ParsedMetadata {
  const damaged = (reason: string, cause?: unknown): HoldfastError =>
    new HoldfastError('HF-ARCHIVE-001', { archive, where: metadataFile, reason }, { cause });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8').decode(bytes));
  } catch (cause) {
    throw damaged(errorText(cause), cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw damaged('it is not a JSON object');
  }
  const values: Record<string, unknown> = { ...emptyMetadata({}) };
  const found = new Set<MetadataProperty>();
  for (const [name, value] of Object.entries(json)) {
    const property = propertyByName.get(name.toLowerCase());
    if (property === undefined || value === null) continue;
    found.add(property);
    values[property] = value;
  }
  const format = values['formatVersion'];
  if (typeof format === 'number' && ![0, 1, 2].includes(format)) {
    throw new HoldfastError('HF-ARCHIVE-003', { archive, version: format });
  }
  const parsed = valuesSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw damaged(`${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
  }
  const metadata = parsed.data;
  return { shape: shapeOf(metadata.formatVersion, found, metadata.version), metadata };
}

/**
 * Metadata for places that are not secret, such as MANIFEST: the fields of the shape under Juju's
 * names, without the controller's certificate authority.
 */
export function publicMetadata(
  shape: MetadataShape,
  metadata: JujuMetadata,
): Record<string, string | number> {
  const values = { ...metadata, formatVersion: formatVersionOf(shape) };
  return Object.fromEntries(
    metadataFields[shape]
      .filter(([, property]) => property !== 'caCert' && property !== 'caPrivateKey')
      .map(([name, property]) => [name, values[property]]),
  );
}
