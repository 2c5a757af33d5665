import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import {
  loadClientConfigProfile,
  type ClientConfigProfile,
  type ClientConfigTLS,
  type ConfigDataSource,
} from '@temporalio/envconfig';
import { errorText, HoldfastError } from '../core/errors';
import { Secret } from '../core/secret';
import type { Environment } from './environment';
import type { TemporalConfig } from './holdfast-config';
import type { Origin, Override } from './origin';
import { readSecret } from './secret-reference';
import type { Problem } from './yaml-document';

/** What a connection to Temporal needs; `tls` is what the SDK takes. */
export interface TemporalConnection {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly tls: boolean | TemporalTls;
  readonly apiKey: Secret | undefined;
  /** gRPC headers of the profile or of `TEMPORAL_GRPC_META_*`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The SDK's TLS options (PEM). The key in it must not be printed. */
export interface TemporalTls {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Uint8Array;
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array };
}

/** What the temporal CLI's own settings say, in two layers. */
interface CliSettings {
  /** From `TEMPORAL_*` variables. */
  readonly environment: ClientConfigProfile;
  /** From the profile of temporal.toml. */
  readonly profile: ClientConfigProfile;
  readonly profileName: string;
  readonly profileFile: string;
}

type Variables = Environment['variables'];

function profileFileOf(variables: Variables): string | undefined {
  const named = variables['TEMPORAL_CONFIG_FILE'];
  if (named !== undefined && named !== '') return named;
  const xdg = variables['XDG_CONFIG_HOME'];
  if (xdg !== undefined && xdg !== '') {
    return isAbsolute(xdg) ? join(xdg, 'temporalio', 'temporal.toml') : undefined;
  }
  const home = variables['HOME'];
  return home === undefined || home === ''
    ? undefined
    : join(home, '.config', 'temporalio', 'temporal.toml');
}

/** The profile, or why it cannot be read: one line, because a TOML error goes on with lines of the file, where an API key may stand. */
function readProfile(variables: Record<string, string>): ClientConfigProfile | string {
  try {
    return loadClientConfigProfile({ disableEnv: true, overrideEnvVars: variables });
  } catch (error) {
    return errorText(error).split('\n')[0] ?? '';
  }
}

/** @throws Error whose message is one line and quotes nothing of the profile's file. */
function cliSettings(variables: Variables): CliSettings {
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    // An empty variable is one that is not set, as for the temporal CLI.
    if (name.startsWith('TEMPORAL_') && value !== undefined && value !== '') set[name] = value;
  }
  const file = profileFileOf(variables);
  const name = set['TEMPORAL_PROFILE'] ?? 'default';
  const environment = loadClientConfigProfile({ disableFile: true, overrideEnvVars: set });
  const paths: Record<string, string> = file === undefined ? {} : { TEMPORAL_CONFIG_FILE: file };
  if (set['TEMPORAL_PROFILE'] !== undefined) paths['TEMPORAL_PROFILE'] = name;
  const profile = readProfile(paths);
  if (typeof profile === 'string') {
    throw new Error(`profile ${name} of ${file ?? 'temporal.toml'} cannot be used: ${profile}`);
  }
  return { environment, profile, profileName: name, profileFile: file ?? 'temporal.toml' };
}

/** What the temporal CLI's variables and profile lay over the file. */
export interface TemporalOverrides {
  /** Address and namespace. */
  readonly overrides: readonly Override[];
  /** Where `temporal.tls` and `temporal.apiKey` come from if not from the file; `temporalConnection` reads them. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly problems: readonly Problem[];
}

/** Looks into the temporal CLI's variables and profile. */
export function temporalOverrides(variables: Variables): TemporalOverrides {
  let settings: CliSettings;
  try {
    settings = cliSettings(variables);
  } catch (error) {
    const problem = { where: 'temporal CLI settings', path: 'temporal', message: errorText(error) };
    return { overrides: [], origins: new Map(), problems: [problem] };
  }
  const { profileName, profileFile } = settings;
  const profile = { kind: 'profile', name: profileName, file: profileFile } as const;
  const origins = new Map<string, Origin>();
  for (const key of ['tls', 'apiKey'] as const) {
    const path = `temporal.${key}`;
    if (settings.profile[key] !== undefined) origins.set(path, profile);
    if (settings.environment[key] !== undefined) {
      const name = key === 'tls' ? 'TEMPORAL_TLS*' : 'TEMPORAL_API_KEY';
      origins.set(path, { kind: 'environment', name });
    }
  }
  const overrides: Override[] = [];
  for (const key of ['address', 'namespace'] as const) {
    const path = ['temporal', key];
    const fromProfile = settings.profile[key];
    if (fromProfile !== undefined) {
      overrides.push({ path, value: fromProfile, origin: profile });
    }
    const fromEnvironment = settings.environment[key];
    if (fromEnvironment !== undefined) {
      const name = `TEMPORAL_${key.toUpperCase()}`;
      overrides.push({ path, value: fromEnvironment, origin: { kind: 'environment', name } });
    }
  }
  return { overrides, origins, problems: [] };
}

async function bytesOf(source: ConfigDataSource | undefined): Promise<Uint8Array | undefined> {
  if (source === undefined) return undefined;
  if ('path' in source) {
    try {
      return await readFile(source.path);
    } catch (error) {
      throw new HoldfastError(
        'HF-CONFIG-003',
        { reference: `{file: ${source.path}}`, reason: errorText(error) },
        { cause: error },
      );
    }
  }
  return typeof source.data === 'string' ? Buffer.from(source.data) : source.data;
}

async function tlsOf(
  file: TemporalConfig['tls'],
  cli: ClientConfigTLS | undefined,
  environment: Environment,
): Promise<boolean | TemporalTls | undefined> {
  if (cli?.disabled === true) return false;
  const own = typeof file === 'object' ? file : undefined;
  if (cli === undefined && own === undefined) return typeof file === 'boolean' ? file : undefined;
  const path = (name: string | undefined): ConfigDataSource | undefined =>
    name === undefined ? undefined : { path: name };
  const ca = await bytesOf(cli?.serverCACert ?? path(own?.caFile));
  const crt = await bytesOf(cli?.clientCert ?? path(own?.certFile));
  // A key file of our own configuration is a secret like any other, with its mode checked.
  const key =
    cli?.clientKey === undefined && own?.keyFile !== undefined
      ? Buffer.from((await readSecret({ file: own.keyFile }, environment)).reveal())
      : await bytesOf(cli?.clientKey);
  const serverName = cli?.serverName ?? own?.serverName;
  const tls: TemporalTls = {
    ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
  return Object.keys(tls).length === 0 ? true : tls;
}

/**
 * Reads what a connection to Temporal needs, secrets included: `TEMPORAL_*` variables win over the
 * profile of temporal.toml, and that over holdfast.yaml (address and namespace are resolved by
 * `loadConfig` already). An API key without any word about TLS turns TLS on.
 *
 * @throws HoldfastError HF-CONFIG-001, HF-CONFIG-003
 */
export async function temporalConnection(
  config: TemporalConfig,
  environment: Environment,
): Promise<TemporalConnection> {
  let settings: CliSettings;
  try {
    settings = cliSettings(environment.variables);
  } catch (error) {
    throw new HoldfastError(
      'HF-CONFIG-001',
      { file: 'of the temporal CLI', count: 1, problems: `  ${errorText(error)}` },
      { cause: error },
    );
  }
  const cli = { ...settings.profile, ...settings.environment };
  const cliTls =
    settings.profile.tls === undefined && settings.environment.tls === undefined
      ? undefined
      : { ...settings.profile.tls, ...settings.environment.tls };
  const tls = await tlsOf(config.tls, cliTls, environment);
  let apiKey: Secret | undefined;
  if (cli.apiKey !== undefined) apiKey = new Secret(cli.apiKey);
  else if (config.apiKey !== undefined) apiKey = await readSecret(config.apiKey, environment);
  return {
    address: config.address,
    namespace: config.namespace,
    tls: tls ?? apiKey !== undefined,
    apiKey,
    metadata: { ...settings.profile.grpcMeta, ...settings.environment.grpcMeta },
  };
}
