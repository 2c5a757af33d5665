import type { SettingPath } from './yaml-document';

/** Where the value of a setting comes from; a flag wins over the environment, then the file, then the default. */
export type Origin =
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'environment'; readonly name: string }
  /** A profile of the temporal CLI. */
  | { readonly kind: 'profile'; readonly name: string; readonly file: string }
  | { readonly kind: 'file'; readonly line: number; readonly column: number }
  | { readonly kind: 'default' };

/** By dotted path (`storage.path`), one for every setting of the resolved configuration. */
export type Origins = ReadonlyMap<string, Origin>;

/** A value that replaces what the file says. */
export interface Override {
  readonly path: SettingPath;
  readonly value: string;
  readonly origin: Exclude<Origin, { kind: 'file' } | { kind: 'default' }>;
}

/** A setting given on the command line. */
export interface Flag {
  /** Dotted path of the setting. */
  readonly setting: 'workspace' | 'state' | 'temporal.address' | 'temporal.namespace';
  /** As it was typed, such as `--state`. */
  readonly flag: string;
  readonly value: string;
}

/** Environment variables of Holdfast's own settings. `HOLDFAST_CONFIG` names the file itself. */
export const settingVariables = {
  HOLDFAST_WORKSPACE: 'workspace',
  HOLDFAST_STATE: 'state',
} as const;

/** An origin for people. `file` is the configuration file. */
export function originText(origin: Origin, file: string): string {
  switch (origin.kind) {
    case 'flag':
      return origin.name;
    case 'environment':
      return `environment variable ${origin.name}`;
    case 'profile':
      return `profile ${origin.name} of ${origin.file}`;
    case 'file':
      return `${file}:${origin.line}:${origin.column}`;
    case 'default':
    default:
      return 'default';
  }
}

/** Overrides by flags and by Holdfast's own variables; the later ones win. */
export function ownOverrides(
  flags: readonly Flag[],
  variables: Readonly<Record<string, string | undefined>>,
): Override[] {
  const overrides: Override[] = [];
  for (const [name, path] of Object.entries(settingVariables)) {
    const value = variables[name];
    if (value !== undefined && value !== '') {
      overrides.push({ path: [path], value, origin: { kind: 'environment', name } });
    }
  }
  for (const { setting, flag, value } of flags) {
    overrides.push({ path: setting.split('.'), value, origin: { kind: 'flag', name: flag } });
  }
  return overrides;
}

/** A copy of `content` with the overrides put in. */
export function applyOverrides(content: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((result, { path, value }) => put(result, path, value), content);
}

function put(content: unknown, path: SettingPath, value: string): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  // What is no mapping stays as it is: the schema reports it.
  if (content !== undefined && (typeof content !== 'object' || content === null)) return content;
  const inner: unknown = Object.entries(content ?? {}).find(([key]) => key === first)?.[1];
  return { ...content, [first]: put(inner, rest, value) };
}
