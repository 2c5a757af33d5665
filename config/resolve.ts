import { join, resolve } from 'node:path';
import { resolveCatalog } from './catalog-schema';
import type { Environment } from './environment';
import type { HoldfastConfig, SecretReference, TemporalTlsConfig } from './holdfast-config';
import type { ParsedConfig } from './schema';
import { resolveStorage } from './storage-schema';
import type { SettingPath } from './yaml-document';

type Base = (path: SettingPath) => string;

function resolveSecret(
  reference: SecretReference | undefined,
  directory: string,
): SecretReference | undefined {
  if (reference === undefined || 'env' in reference) return reference;
  return { file: resolve(directory, reference.file) };
}

function resolveTls(
  tls: ParsedConfig['temporal']['tls'],
  directory: string,
): boolean | TemporalTlsConfig | undefined {
  if (tls === undefined || typeof tls === 'boolean') return tls;
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(directory, path);
  return {
    caFile: absolute(tls.caFile),
    certFile: absolute(tls.certFile),
    keyFile: absolute(tls.keyFile),
    serverName: tls.serverName,
  };
}

function resolveServices({ services, machine }: ParsedConfig['controller'], directory: string) {
  const agent = services.agent ?? (machine === undefined ? undefined : `jujud-${machine}`);
  return services.type === 'systemd'
    ? { type: services.type, agent }
    : { type: services.type, agent, socket: resolve(directory, services.socket) };
}

/** Makes every path absolute and fills in what depends on other settings. `base` gives the directory a path is relative to. */
export function resolveConfig(
  parsed: ParsedConfig,
  base: Base,
  environment: Pick<Environment, 'variables' | 'home' | 'hostname'>,
): HoldfastConfig {
  const { controller, mongo, storage, temporal } = parsed;
  const { readBytesPerSecond, writeBytesPerSecond, ...limits } = parsed.limits;
  const own = base([]);
  const workspace = resolve(base(['workspace']), parsed.workspace);
  return {
    controller: {
      name: controller.name,
      root: resolve(own, controller.root),
      dataDir: controller.dataDir,
      modelUuid: controller.modelUuid,
      machine: controller.machine,
      services: resolveServices(controller, own),
    },
    mongo: {
      hosts: mongo.hosts,
      replicaSet: mongo.replicaSet,
      tls: mongo.tls === undefined ? undefined : { caFile: resolve(own, mongo.tls.caFile) },
      username: mongo.username,
      password: resolveSecret(mongo.password, own),
      readFrom: mongo.readFrom,
    },
    storage: resolveStorage(storage, own),
    storages: Object.fromEntries(
      Object.entries(parsed.storages).map(([name, settings]) => {
        const { name: _, ...resolved } = resolveStorage({ name, ...settings }, own);
        return [name, resolved];
      }),
    ),
    catalog: resolveCatalog(parsed.catalog, own, environment),
    workspace,
    state:
      parsed.state === undefined
        ? join(workspace, 'temporal')
        : resolve(base(['state']), parsed.state),
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      tls: resolveTls(temporal.tls, own),
      apiKey: resolveSecret(temporal.apiKey, own),
    },
    limits: { ...limits, readBytesPerSecond, writeBytesPerSecond },
    log: { file: parsed.log.file === undefined ? undefined : resolve(own, parsed.log.file) },
  };
}

/** A setting of a resolved configuration; a list or a reference to a secret is one setting. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Paths of secrets; those of a named storage are as those of `storage`. */
const secretPaths = new Set([
  'catalog.password',
  'mongo.password',
  'storage.credentials.secretAccessKey',
  'storage.encryption.key',
  'storage.password',
  'temporal.apiKey',
]);

function isSecret([first, ...rest]: readonly string[]): boolean {
  const path = first === 'storages' ? ['storage', ...rest.slice(1)] : [first, ...rest];
  return secretPaths.has(path.join('.'));
}

/** Every setting, in the order of the configuration. */
export function settingsOf(config: HoldfastConfig): Setting[] {
  const flat = (value: unknown, path: readonly string[]): Setting[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isSecret(path)
      ? Object.entries(value).flatMap(([key, inner]) => flat(inner, [...path, key]))
      : [{ path, value }];
  return flat(config, []);
}
