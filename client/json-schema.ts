import { z } from 'zod';
import { archive, code, count, instant, kind, operation, report, summary, v } from './json-reports';

/**
 * What the command line prints with `--json` (docs/json.md). Keys are only ever added, so readers
 * must pass over those they don't know; these schemas are strict, to keep the page complete.
 */
const heartbeat = z.strictObject({
  v,
  phase: z.string(),
  done: z.number(),
  total: z.number().optional(),
  unit: z.enum(['bytes', 'documents', 'files', 'entries']),
  rate: z.number(),
  at: instant,
  documents: z.number().optional(),
  current: z.string().optional(),
});

const step = z.strictObject({
  type: z.string(),
  state: z.enum(['scheduled', 'started', 'cancelling']),
  attempt: count,
  lastStarted: instant.optional(),
  heartbeat: heartbeat.optional(),
  lastFailure: z.strictObject({ code, message: z.string() }).optional(),
});

const job = z.strictObject({
  v,
  kind,
  workflowId: z.string(),
  runId: z.string(),
  state: z.enum(['running', 'completed', 'failed', 'cancelled', 'terminated', 'timed-out']),
  started: instant,
  closed: instant.optional(),
  phase: z.string().optional(),
  outcome: z.string().optional(),
  backupId: z.string().optional(),
  step: step.optional(),
  result: report.optional(),
  failure: z.strictObject({ code, message: z.string(), hint: z.string(), exit: count }).optional(),
});

const type = <T extends string>(name: T) => ({ type: z.literal(name) });

/** Each line of the commands that take long: `create`, `restore`, `verify`, `watch`, `worker`, `up`. */
export const lineSchemas = {
  status: z.strictObject({
    ...type('status'),
    v,
    kind,
    workflowId: z.string(),
    runId: z.string(),
    phase: z.string().optional(),
    backupId: z.string().optional(),
    step: step.optional(),
  }),
  summary,
  detached: z.strictObject({
    ...type('detached'),
    v,
    kind,
    workflowId: z.string(),
    runId: z.string(),
    command: z.string(),
  }),
  ready: z.strictObject({
    ...type('ready'),
    v,
    pid: count,
    address: z.string().optional(),
    ui: z.string().optional(),
    namespace: z.string().optional(),
    state: z.string().optional(),
  }),
  entry: z.strictObject({
    ...type('entry'),
    v,
    backupId: z.string(),
    path: z.string(),
    archivePath: z.string(),
    entryType: z.enum(['file', 'directory', 'symlink']),
    mode: count,
    uid: count,
    gid: count,
    size: count,
    mtime: instant,
    sha256: z.hex().length(64).optional(),
    documents: count.optional(),
    link: z.string().optional(),
  }),
  notice: z.strictObject({ ...type('notice'), v, message: z.string() }),
  error: z.strictObject({
    ...type('error'),
    v,
    code,
    message: z.string(),
    hint: z.string(),
    exit: count,
  }),
} as const;

const verified = z.strictObject({ at: instant, sound: z.boolean() }).optional();

const state = z.enum(['incomplete', 'damaged', 'verified', 'complete']);
/** Who answered. */
const from = z.enum(['catalog', 'storage']);

const listed = {
  state,
  id: z.string(),
  controller: z.string(),
  size: count,
  started: z.iso.datetime(),
  pinned: z.boolean(),
  verified,
};

/** The one document of each short command, by the command's name. */
export const documentSchemas = {
  list: z.strictObject({
    v,
    storage: z.string(),
    from,
    backups: z.array(
      z.discriminatedUnion('status', [
        z.strictObject({
          ...listed,
          status: z.literal('complete'),
          finished: z.iso.datetime(),
          notes: z.string(),
          jujuVersion: z.string().optional(),
          hosts: z.array(z.string()),
          purpose: z.enum(['manual', 'scheduled', 'safety']),
          outcome: z.enum(['complete', 'partial']),
          restorable: z.boolean(),
        }),
        z.strictObject({ ...listed, status: z.literal('damaged'), code, reason: z.string() }),
        z.strictObject({ ...listed, status: z.literal('incomplete') }),
      ]),
    ),
  }),
  info: z.strictObject({
    v,
    id: z.string(),
    size: count,
    status: z.literal('complete'),
    state,
    restorable: z.boolean(),
    pinned: z.boolean(),
    verified,
    /** docs/format.md specifies it. */
    manifest: z.looseObject({ format: z.string(), backupId: z.string() }),
  }),
  find: z.strictObject({
    v,
    storage: z.string(),
    from,
    pattern: z.string(),
    backups: z.array(
      z.strictObject({
        id: z.string(),
        controller: z.string(),
        started: z.iso.datetime(),
        finished: z.iso.datetime(),
        hosts: z.array(z.strictObject({ machine: z.string(), hostname: z.string() })),
        purpose: z.enum(['manual', 'scheduled', 'safety']),
        outcome: z.enum(['complete', 'partial']),
        pinned: z.boolean(),
        state,
        verified,
        datasets: z.array(
          z.strictObject({
            id: z.string(),
            source: z.string(),
            handler: z.string(),
            repository: z.string(),
            snapshotId: z.string().optional(),
            file: z.string().optional(),
            host: z.string().optional(),
            atoms: z.array(z.strictObject({ name: z.string(), path: z.string() })),
            totalFiles: count,
            totalBytes: count,
            bytesAdded: count,
            durationMs: z.number(),
          }),
        ),
      }),
    ),
  }),
  'catalog rebuild': z.strictObject({
    v,
    storage: z.string(),
    entered: count,
    added: count,
    removed: count,
  }),
  download: z.strictObject({
    v,
    id: z.string(),
    file: z.string(),
    size: count,
    sha256: z.hex().length(64),
    resumed: count,
  }),
  upload: z.strictObject({
    v,
    id: z.string(),
    archive,
    origin: archive,
    entries: count,
    documents: count,
  }),
  pin: z.strictObject({ v, id: z.string(), pinned: z.boolean(), changed: z.boolean() }),
  doctor: z.strictObject({
    v,
    storage: z.string(),
    type: z.string(),
    checks: z.array(
      z.strictObject({
        name: z.string(),
        verdict: z.enum(['pass', 'warn', 'refuse']),
        text: z.string(),
        hint: z.string().optional(),
      }),
    ),
  }),
  /** Without --yes; with it the lines of an operation. */
  prune: z.strictObject({
    v,
    dryRun: z.literal(true),
    plan: z.array(
      z.strictObject({
        id: z.string(),
        action: z.enum(['keep', 'remove', 'sweep']),
        reasons: z.array(z.string()),
        size: count,
      }),
    ),
  }),
  jobs: z.strictObject({
    v,
    jobs: z.array(job),
    interrupted: z
      .strictObject({
        kind: operation,
        workflowId: z.string(),
        runId: z.string(),
        backupId: z.string(),
        state: z.enum(['open', 'past-no-return', 'finishing']),
        since: instant,
        temporal: z.string(),
      })
      .nullable(),
  }),
  cancel: z.strictObject({
    v,
    kind,
    will: z.enum(['stopping', 'finishing', 'rolling-back']),
    workflowId: z.string(),
    runId: z.string(),
  }),
  'config check': z.strictObject({ v, file: z.string(), warnings: z.array(z.string()) }),
  'config show': z.strictObject({
    v,
    file: z.string(),
    /** docs/configuration.md describes it. */
    config: z.looseObject({}),
    origins: z.record(z.string(), z.looseObject({ kind: z.string() })),
  }),
} as const;
