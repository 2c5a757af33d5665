import { z } from 'zod';
import type { SpoolMember } from '../../core/spool';
import type { DumpBinding, DumpResume, ScanPosition } from '../../mongo/dump';

/** Positions kept per stream: when the record of the newest has been deleted, an older one is used. */
const positionsKept = 16;

export const memberSchema = z.object({
  file: z.string(),
  offset: z.number(),
  stored: z.number(),
  content: z.number(),
  sha256: z.string(),
  documents: z.number(),
  position: z.object({ token: z.string(), documents: z.number(), bytes: z.number() }).optional(),
});

export const streamSchema = z.object({
  name: z.string(),
  done: z.boolean(),
  members: z.array(memberSchema),
});

export const opTimeSchema = z.object({
  ts: z.object({ t: z.number(), i: z.number() }),
  t: z.number(),
});

const boundCollectionSchema = z.object({
  database: z.string(),
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  uuid: z.string().optional(),
  dataUuid: z.string().optional(),
  metadataJson: z.string(),
  size: z.object({ documents: z.number(), bytes: z.number() }),
});

const bindingSchema = z.object({
  node: z.string(),
  dataIdentity: z.string(),
  rbid: z.number(),
  version: z.string(),
  fcv: z.string(),
  replicaSet: z.string(),
  replicaSetId: z.string(),
  windowStart: opTimeSchema,
  collections: z.array(boundCollectionSchema),
});

/** Schema of a checkpoint of the dump. */
export const dumpCheckpointSchema = z.object({
  v: z.literal(1),
  binding: bindingSchema.optional(),
  streams: z.array(streamSchema),
  restarts: z.number().default(0),
});

type ParsedBinding = z.infer<typeof bindingSchema>;

/** What an attempt of the dump has made durable. */
export interface DumpCheckpoint {
  readonly v: 1;
  readonly binding?: DumpBinding | undefined;
  readonly streams: readonly StreamState[];
  /** How often the whole dump has started again, over all attempts. */
  readonly restarts: number;
}

/** A gzip member of a stream, with where the scan stood after it. */
export interface StreamMember extends SpoolMember {
  readonly documents: number;
  readonly position?: ScanPosition | undefined;
}

/** A collection or the oplog, as far as it has been spooled. */
export interface StreamState {
  readonly name: string;
  readonly done: boolean;
  readonly members: readonly StreamMember[];
}

/** Adds a member; only the newest ones keep their position, so that a checkpoint stays small. */
export function appendMember(members: StreamMember[], member: StreamMember): void {
  members.push(member);
  const old = members.length - 1 - positionsKept;
  const before = members[old];
  if (before?.position !== undefined) {
    const { position: _, ...rest } = before;
    members[old] = rest;
  }
}

/** The members up to and with the one after which the scan stood at `to`; none without a position. */
export function membersUpTo(
  members: readonly StreamMember[],
  to: ScanPosition | undefined,
): StreamMember[] {
  if (to === undefined) return [];
  const last = members.findIndex(({ position }) => position?.bytes === to.bytes);
  if (last < 0) throw new Error(`the spool has no member that ends at ${to.bytes} bytes`);
  return members.slice(0, last + 1);
}

/** What a dump needs to go on from a checkpoint; undefined when nothing was bound yet. */
export function resumeOf(
  checkpoint: z.infer<typeof dumpCheckpointSchema> | undefined,
): DumpResume | undefined {
  if (checkpoint?.binding === undefined) return undefined;
  return {
    binding: bindingOf(checkpoint.binding),
    streams: new Map(
      checkpoint.streams.map(({ name, done, members }) => [
        name,
        {
          done,
          positions: members.flatMap(({ position }) => (position === undefined ? [] : [position])),
        },
      ]),
    ),
  };
}

/** Absent fields stay absent: the dump tells "no UUID" by their absence. */
function bindingOf(parsed: ParsedBinding): DumpBinding {
  return {
    ...parsed,
    collections: parsed.collections.map(({ uuid, dataUuid, ...rest }) => ({
      ...rest,
      ...(uuid === undefined ? {} : { uuid }),
      ...(dataUuid === undefined ? {} : { dataUuid }),
    })),
  };
}
