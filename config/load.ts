import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorText, HoldfastError } from '../core/errors';
import type { Environment } from './environment';
import type { HoldfastConfig } from './holdfast-config';
import {
  applyOverrides,
  ownOverrides,
  type Flag,
  type Origin,
  type Origins,
  type Override,
} from './origin';
import { pathText, problemsOf } from './problems';
import { resolveConfig, settingsOf } from './resolve';
import { schema } from './schema';
import { temporalOverrides } from './temporal';
import {
  maxConfigBytes,
  readYaml,
  type Problem,
  type SettingPath,
  type YamlDocument,
} from './yaml-document';

/** A configuration with the places its values come from. */
export interface LoadedConfig {
  readonly config: HoldfastConfig;
  readonly origins: Origins;
  /** Absolute path of the file that was read. */
  readonly file: string;
}

export interface LoadOptions {
  /** What `--config` names. */
  readonly file?: string | undefined;
  readonly flags?: readonly Flag[];
  readonly environment: Environment;
}

/** The places where a configuration file is looked for, in order; a named one is the only one. */
export function configPlaces(named: string | undefined, environment: Environment): string[] {
  const { variables, cwd, home } = environment;
  if (named !== undefined) return [resolve(cwd, named)];
  const fromVariable = variables['HOLDFAST_CONFIG'];
  if (fromVariable !== undefined && fromVariable !== '') return [resolve(cwd, fromVariable)];
  const xdg = variables['XDG_CONFIG_HOME'];
  const userDirectory = xdg !== undefined && xdg.startsWith('/') ? xdg : join(home, '.config');
  return [
    join(cwd, 'holdfast.yaml'),
    join(userDirectory, 'holdfast', 'holdfast.yaml'),
    '/etc/holdfast/holdfast.yaml',
  ];
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    codes.includes(String(error.code))
  );
}

async function readFirst(places: readonly string[]): Promise<{ file: string; text: string }> {
  for (const file of places) {
    try {
      if ((await stat(file)).size > maxConfigBytes) {
        throw configError(file, [{ where: '1:1', path: '', message: 'it is larger than 1 MiB' }]);
      }
      return { file, text: await readFile(file, 'utf8') };
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) continue;
      if (error instanceof HoldfastError) throw error;
      const message = `cannot be read: ${errorText(error)}`;
      throw configError(file, [{ where: '-', path: '', message }], error);
    }
  }
  throw new HoldfastError('HF-CONFIG-002', { looked: places.join(', ') });
}

function problemLine({ where, path, message, hint }: Problem): string {
  const about = path === '' ? message : `${path}: ${message}`;
  return `  ${where} ${about}${hint === undefined ? '' : `; ${hint}`}`;
}

function configError(file: string, problems: readonly Problem[], cause?: unknown): HoldfastError {
  return new HoldfastError(
    'HF-CONFIG-001',
    { file, count: problems.length, problems: problems.map(problemLine).join('\n') },
    cause === undefined ? undefined : { cause },
  );
}

const samePath = (one: SettingPath, other: SettingPath): boolean =>
  one.length === other.length && one.every((step, index) => step === other[index]);

function overrideOf(overrides: readonly Override[], path: SettingPath): Override | undefined {
  return overrides.findLast((override) => samePath(override.path, path));
}

function originOf(
  path: SettingPath,
  document: YamlDocument,
  overrides: readonly Override[],
): Origin {
  const override = overrideOf(overrides, path);
  if (override !== undefined) return override.origin;
  return document.has(path) ? { kind: 'file', ...document.locate(path) } : { kind: 'default' };
}

/** Problems of the schema, those of the file in the order of its lines. */
function schemaProblems(
  content: unknown,
  document: YamlDocument,
  overrides: readonly Override[],
): Problem[] {
  const parsed = schema.safeParse(content);
  const issues = parsed.error?.issues ?? [];
  const found = issues
    .flatMap((issue) => problemsOf(issue, content))
    .map((problem) => {
      const { path, atKey, message, hint } = problem;
      const origin = overrideOf(overrides, path)?.origin;
      const { line, column } = document.locate(path, atKey);
      const where = origin === undefined ? `${line}:${column}` : origin.name;
      return { line, column, problem: { where, path: pathText(path), message, hint } };
    });
  found.sort((one, other) => one.line - other.line || one.column - other.column);
  return found.map(({ problem }) => problem);
}

/**
 * Finds, reads and checks the configuration. Relative paths in the file are relative to the file,
 * those of flags and variables to the working directory. No secret is read.
 *
 * @throws HoldfastError HF-CONFIG-001 with every problem at once, each with `line:column`;
 * HF-CONFIG-002 when there is no file.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { environment } = options;
  const { file, text } = await readFirst(configPlaces(options.file, environment));
  const document = readYaml(text);
  if (document.problems.length > 0) throw configError(file, document.problems);
  const temporal = temporalOverrides(environment.variables);
  const overrides = [
    ...temporal.overrides,
    ...ownOverrides(options.flags ?? [], environment.variables),
  ];
  const content = applyOverrides(document.content, overrides);
  const problems = [...schemaProblems(content, document, overrides), ...temporal.problems];
  if (problems.length > 0) throw configError(file, problems);
  const base = (path: SettingPath): string =>
    overrideOf(overrides, path) === undefined ? dirname(file) : environment.cwd;
  const config = resolveConfig(schema.parse(content), base, environment);
  const origins = new Map([
    ...settingsOf(config).map(
      ({ path }) => [path.join('.'), originOf(path, document, overrides)] as const,
    ),
    ...temporal.origins,
  ]);
  return { config, origins, file };
}
