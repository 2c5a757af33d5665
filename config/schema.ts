import { z } from 'zod';
import { machineTagPattern, uuidPattern } from '../core/ids';
import { catalogSchema } from './catalog-schema';
import { absolutePath, duration, hostPort, path, secret, section, size, text } from './fields';
import { storageSchema, storagesSchema } from './storage-schema';

const second = 1000;
const hour = 3600 * second;
const mebibyte = 1024 ** 2;
const whole = (least: number, most: number) => z.int().min(least).max(most);

const agent = text.optional();

/** A mapping without `type` is read as one of the default type. */
const services = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('type' in value)
      ? { type: 'systemd', ...value }
      : value,
  z.discriminatedUnion('type', [
    section({ type: z.literal('systemd'), agent }),
    section({ type: z.literal('process'), agent, socket: path }),
  ]),
);

const controller = section({
  name: text.optional(),
  root: path.prefault('/'),
  dataDir: absolutePath.prefault('/var/lib/juju'),
  modelUuid: z.string().regex(uuidPattern, { error: 'must be a UUID in lower case' }).optional(),
  machine: z
    .string()
    .regex(machineTagPattern, { error: 'must be a machine tag such as machine-0' })
    .optional(),
  services: services.prefault({ type: 'systemd' }),
});

const mongo = section({
  hosts: z.array(hostPort).min(1).optional(),
  replicaSet: text.optional(),
  tls: section({ caFile: path }).optional(),
  username: text.optional(),
  password: secret.optional(),
  readFrom: z.enum(['secondary', 'primary']).prefault('secondary'),
});

const temporal = section({
  address: hostPort.prefault('127.0.0.1:7233'),
  namespace: text.prefault('default'),
  tls: z
    .union([
      z.boolean(),
      section({
        caFile: path.optional(),
        certFile: path.optional(),
        keyFile: path.optional(),
        serverName: text.optional(),
      }),
    ])
    .optional(),
  apiKey: secret.optional(),
});

const highestIgzipLevel = 3;

const bytesPerSecond = size(64 * 1024, 1024 ** 4, 'between 64KiB and 1TiB').optional();

const limits = section({
  compressor: z.enum(['zlib', 'igzip']).prefault('zlib'),
  level: whole(1, 9).prefault(1),
  memberSize: size(64 * 1024, 64 * mebibyte, 'between 64KiB and 64MiB').prefault('4MiB'),
  buffers: size(mebibyte, 16 * 1024 * mebibyte, 'between 1MiB and 16GiB').prefault('32MiB'),
  parallel: whole(1, 64).prefault(2),
  nice: whole(0, 19).prefault(0),
  ioClass: z.enum(['none', 'best-effort', 'idle']).prefault('none'),
  hostWait: duration(second, 8760 * hour, 'between 1s and 8760h').prefault('24h'),
  heartbeatTimeout: duration(second, hour, 'between 1s and 1h').prefault('30s'),
  confirmWait: duration(second, 168 * hour, 'between 1s and 168h').prefault('1h'),
  freeSpace: section({
    bytes: size(0, 1024 ** 5, 'between 0 and 1PiB').prefault('5GiB'),
    percent: z.number().min(0).max(90).prefault(10),
  }).prefault({}),
  readBytesPerSecond: bytesPerSecond,
  writeBytesPerSecond: bytesPerSecond,
}).superRefine(({ compressor, level }, context) => {
  if (compressor === 'zlib' || level <= highestIgzipLevel) return;
  const message = `must be at most ${highestIgzipLevel} where limits.compressor is igzip`;
  context.addIssue({ code: 'custom', path: ['level'], message });
});

/** holdfast.yaml as it is written (docs/configuration.md). Paths are made absolute by the loader. */
export const schema = section({
  controller: controller.prefault({}),
  mongo: mongo.prefault({}),
  storage: storageSchema,
  storages: storagesSchema.prefault({}),
  catalog: catalogSchema.prefault({ type: 'storage' }),
  workspace: path.prefault('/var/lib/holdfast'),
  state: path.optional(),
  temporal: temporal.prefault({}),
  limits: limits.prefault({}),
  log: section({ file: path.optional() }).prefault({}),
}).superRefine(({ storage, storages }, context) => {
  if (!Object.hasOwn(storages, storage.name)) return;
  const message = 'is the name of the default storage already (storage.name)';
  context.addIssue({ code: 'custom', path: ['storages', storage.name], message });
});

/** What the schema makes of a file. */
export type ParsedConfig = z.output<typeof schema>;
