import type { Document, MongoClient } from 'mongodb';
import { z } from 'zod';
import { HoldfastError } from '../core/errors';
import { Secret } from '../core/secret';

/** What metadata.json and the MANIFEST need to know of a controller, read from its database. */
export interface JujuFacts {
  /** UUID of the controller model. */
  readonly modelUuid: string;
  readonly controllerUuid: string;
  /** The configured name: a label, never an identity. */
  readonly controllerName: string | undefined;
  /** Juju's version: `2.9.21`. */
  readonly jujuVersion: string;
  /** Count of controller nodes. */
  readonly haNodes: number;
  /** Machine id without its kind: `0` for `machine-0`. */
  readonly machineId: string;
  /** Cloud instance of the machine; undefined where Juju recorded none. */
  readonly instanceId: string | undefined;
  /** `focal`; Juju 2.x. */
  readonly series: string | undefined;
  /** `ubuntu@22.04`; Juju 3.x. */
  readonly base: string | undefined;
  /** PEM. */
  readonly caCert: string | undefined;
  readonly caPrivateKey: Secret | undefined;
}

const controllerSchema = z.object({ 'model-uuid': z.string().min(1) });
const settingsSchema = z.object({ settings: z.record(z.string(), z.unknown()) });
const servingSchema = z.object({ caprivatekey: z.string().optional() });
const instanceSchema = z.object({ instanceid: z.string().optional() });
const machineSchema = z.object({
  series: z.string().optional(),
  base: z.object({ os: z.string(), channel: z.string() }).optional(),
});

/**
 * Reads Juju's documents about the controller (database `juju`; state/controller.go and
 * state/machine.go of Juju 2.0 to 3.6).
 * @param machine tag of the machine the backup is taken on, `machine-0`.
 * @throws HoldfastError HF-HOST-005 when one that every controller has is missing; errors of the
 * driver as they are.
 */
export async function readJujuFacts(
  client: MongoClient,
  machine: string,
  signal?: AbortSignal,
): Promise<JujuFacts> {
  const juju = client.db('juju');
  const byId = (collection: string, id: string): Promise<Document | null> =>
    juju
      .collection<{ _id: string }>(collection)
      .findOne({ _id: id }, signal === undefined ? {} : { signal });
  const required = async <T>(collection: string, id: string, schema: z.ZodType<T>): Promise<T> => {
    const read = schema.safeParse(await byId(collection, id));
    if (read.success) return read.data;
    throw notAController(`juju.${collection} has no usable document ${id}`);
  };
  const machineId = machineNumber(machine);
  const { 'model-uuid': modelUuid } = await required('controllers', 'e', controllerSchema);
  const [{ settings }, model, serving, instance, found, haNodes] = await Promise.all([
    required('controllers', 'controllerSettings', settingsSchema),
    required('settings', `${modelUuid}:e`, settingsSchema),
    byId('controllers', 'stateServingInfo').then((doc) => servingSchema.safeParse(doc)),
    byId('instanceData', `${modelUuid}:${machineId}`).then((doc) => instanceSchema.safeParse(doc)),
    byId('machines', `${modelUuid}:${machineId}`).then((doc) => machineSchema.safeParse(doc)),
    juju.collection('controllerNodes').countDocuments({}, signal === undefined ? {} : { signal }),
  ]);
  const controllerUuid = textOf(settings['controller-uuid']);
  const jujuVersion = textOf(model.settings['agent-version']);
  if (controllerUuid === undefined) {
    throw notAController('its controller settings name no controller-uuid');
  }
  if (jujuVersion === undefined) {
    throw notAController('the settings of its controller model name no agent-version');
  }
  const caPrivateKey = serving.data?.caprivatekey ?? '';
  return {
    modelUuid,
    controllerUuid,
    controllerName: textOf(settings['controller-name']),
    jujuVersion,
    haNodes: Math.max(1, haNodes),
    machineId,
    instanceId: instance.data?.instanceid,
    series: found.data?.series,
    base: baseText(found.data?.base),
    caCert: textOf(settings['ca-cert']),
    caPrivateKey: caPrivateKey === '' ? undefined : new Secret(caPrivateKey),
  };
}

/** Juju's id of a machine from its tag: `machine-0-lxd-1` is `0/lxd/1`. */
export function machineNumber(tag: string): string {
  return tag.replace(/^machine-/, '').replaceAll('-', '/');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `ubuntu@22.04`: a stable channel's risk is not written. */
function baseText(base: { os: string; channel: string } | undefined): string | undefined {
  return base === undefined ? undefined : `${base.os}@${base.channel.replace(/\/stable$/, '')}`;
}

function notAController(problem: string): HoldfastError {
  return new HoldfastError('HF-HOST-005', { problem });
}
