import { errorText } from '../core/errors';
import { formatDuration } from '../core/durations';
import { formatSize } from '../core/sizes';
import type { Environment } from './environment';
import type { SecretReference } from './holdfast-config';
import type { LoadedConfig } from './load';
import { originText, type Origin } from './origin';
import { settingsOf, type Setting } from './resolve';
import { readSecret, secretReferenceText } from './secret-reference';
import type { NamelessStorage } from './storage-schema';
import { workspaceWarning } from './workspace';

/** What `holdfast config check` says of a configuration that could be loaded. */
export interface ConfigCheck {
  /** One line a setting: `path = value (origin)`, aligned. */
  readonly lines: readonly string[];
  /** The same without the origins. */
  readonly plain: readonly string[];
  /** What is allowed but should be looked at; secrets that this host cannot read among it. */
  readonly warnings: readonly string[];
}

const durations = new Set(['hostWait', 'heartbeatTimeout', 'confirmWait']);
const sizes = new Set([
  'memberSize',
  'partSize',
  'buffers',
  'bytes',
  'readBytesPerSecond',
  'writeBytesPerSecond',
]);

function valueText({ path, value }: Setting): string {
  if (value === undefined) return '-';
  const last = path.at(-1) ?? '';
  if (typeof value === 'number' && durations.has(last)) return formatDuration(value);
  if (typeof value === 'number' && sizes.has(last)) return formatSize(value);
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What the temporal CLI's settings hold is read when a connection is made. */
function isReadLater(path: string, origin: Origin | undefined): boolean {
  return (
    ['temporal.tls', 'temporal.apiKey'].includes(path) &&
    (origin?.kind === 'environment' || origin?.kind === 'profile')
  );
}

/** `path`: of the section that the storage stands in. */
function storageSecrets(
  storage: NamelessStorage,
  path: string,
): [string, SecretReference | undefined][] {
  switch (storage.type) {
    case 'file':
    case 'module':
      return [];
    case 's3':
      return [
        [`${path}.credentials.secretAccessKey`, storage.credentials?.secretAccessKey],
        [
          `${path}.encryption.key`,
          storage.encryption?.type === 'customer' ? storage.encryption.key : undefined,
        ],
      ];
    case 'gridfs':
      return [[`${path}.password`, storage.password]];
  }
}

function secretsOf({ config }: LoadedConfig): [string, SecretReference][] {
  const named: [string, SecretReference | undefined][] = [
    ['mongo.password', config.mongo.password],
    ...storageSecrets(config.storage, 'storage'),
    ...Object.entries(config.storages).flatMap(([name, storage]) =>
      storageSecrets(storage, `storages.${name}`),
    ),
    ['catalog.password', config.catalog.type === 'mongodb' ? config.catalog.password : undefined],
    ['temporal.apiKey', config.temporal.apiKey],
  ];
  return named.flatMap(([path, reference]) => (reference === undefined ? [] : [[path, reference]]));
}

/** Shows every setting with its origin, and tries the secrets this host is given. No value of a secret is shown. */
export async function checkConfig(
  loaded: LoadedConfig,
  environment: Environment,
): Promise<ConfigCheck> {
  const secrets = secretsOf(loaded);
  const shown = settingsOf(loaded.config).map((setting) => {
    const path = setting.path.join('.');
    const reference = secrets.find(([name]) => name === path)?.[1];
    const origin: Origin = loaded.origins.get(path) ?? { kind: 'default' };
    const text = reference === undefined ? valueText(setting) : secretReferenceText(reference);
    return { path, value: isReadLater(path, origin) ? '[set]' : text, origin };
  });
  const pathWidth = Math.max(...shown.map(({ path }) => path.length));
  const valueWidth = Math.min(40, Math.max(...shown.map(({ value }) => value.length)));
  const lines = shown.map(
    ({ path, value, origin }) =>
      `${path.padEnd(pathWidth)} = ${value.padEnd(valueWidth)} (${originText(origin, loaded.file)})`,
  );
  const plain = shown.map(({ path, value }) => `${path.padEnd(pathWidth)} = ${value}`);
  const warnings: string[] = [];
  const warning = workspaceWarning(loaded.config.workspace);
  if (warning !== undefined) warnings.push(warning);
  for (const [path, reference] of secrets) {
    if (isReadLater(path, loaded.origins.get(path))) continue;
    try {
      await readSecret(reference, environment);
    } catch (error) {
      warnings.push(`${path}: ${errorText(error)}`);
    }
  }
  return { lines, plain, warnings };
}
