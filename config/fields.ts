import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { parseDuration } from '../core/durations';
import { parseSize } from '../core/sizes';
import type { SecretReference } from './holdfast-config';

/** An issue of our own: what is wrong, and what to write instead. Values are never repeated. */
interface Refusal {
  readonly message: string;
  readonly hint?: string;
}

function field<T>(
  read: (value: unknown) => T | Refusal,
  refused: (read: T | Refusal) => read is Refusal,
) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (!refused(result)) return result;
    context.issues.push({
      code: 'custom',
      message: result.message,
      params: { hint: result.hint },
      input: undefined,
    });
    return z.NEVER;
  });
}

/** A strict mapping. Its issue of unknown keys carries, as its message, the keys known there. */
export function section<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined,
  });
}

const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'message' in value;

/** A duration between two bounds, in milliseconds. */
export function duration(least: number, most: number, bounds: string) {
  return field<number>((value) => {
    if (value === undefined) return { message: 'is missing' };
    if (typeof value === 'number') {
      return { message: 'must be a duration', hint: 'write it with a unit: 30s, 10m, 24h' };
    }
    const read = typeof value === 'string' ? parseDuration(value) : undefined;
    if (read === undefined) {
      return { message: 'must be a duration', hint: 'for example 30s, 10m, 1h30m, 24h' };
    }
    return read < least || read > most ? { message: `must be ${bounds}` } : read;
  }, isRefusal);
}

/** A size between two bounds, in bytes. */
export function size(least: number, most: number, bounds: string) {
  return field<number>((value) => {
    if (value === undefined) return { message: 'is missing' };
    const text = typeof value === 'number' ? String(value) : value;
    const read = typeof text === 'string' ? parseSize(text) : undefined;
    if (read === undefined)
      return { message: 'must be a size', hint: 'for example 500M, 4MiB, 5GiB' };
    return read < least || read > most ? { message: `must be ${bounds}` } : read;
  }, isRefusal);
}

function pathProblem(value: unknown): Refusal | undefined {
  if (value === undefined) return { message: 'is missing' };
  if (typeof value !== 'string') return { message: 'must be a path' };
  if (value === '') return { message: 'must not be empty' };
  if (value.includes('\0')) return { message: 'must not hold a NUL character' };
  if (value.startsWith('~')) {
    return { message: '~ is not expanded', hint: 'write the directory out' };
  }
  return undefined;
}

/** A path; relative ones are made absolute by the loader, against the file that holds them. */
export const path = field<string>(
  (value) => pathProblem(value) ?? normalize(String(value)),
  isRefusal,
);

/** An absolute path of another system's view: never resolved against the file. */
export const absolutePath = field<string>((value) => {
  const problem = pathProblem(value);
  if (problem !== undefined) return problem;
  const text = String(value);
  return isAbsolute(text) ? normalize(text) : { message: 'must be an absolute path' };
}, isRefusal);

/** Text that is not empty and has no control characters. */
export const text = z.string().refine((value) => value !== '' && !/\p{Cc}/u.test(value), {
  error: 'must be one line of text, not empty',
});

/** `host:port`; an IPv6 address stands in brackets. */
export const hostPort = field<string>((value) => {
  const match =
    typeof value === 'string'
      ? /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(value)
      : null;
  const port = Number(match?.[1] ?? 0);
  return match === null || port < 1 || port > 65_535
    ? { message: 'must be host:port', hint: 'for example 127.0.0.1:37017 or [::1]:37017' }
    : match[0];
}, isRefusal);

const secretHint = 'write {file: PATH} or {env: NAME}';

/** A reference to a secret. Neither values nor keys given in its place are ever repeated. */
export const secret = field<SecretReference>((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { message: 'a secret must not stand in this file', hint: secretHint };
  }
  const entries = Object.entries(value);
  const [key, target]: [string?, unknown?] = entries[0] ?? [];
  if (entries.length !== 1 || typeof target !== 'string' || target === '') {
    return { message: 'must be a reference to a secret', hint: secretHint };
  }
  if (key === 'file') {
    const problem = pathProblem(target);
    return problem ?? { file: normalize(target) };
  }
  if (key === 'env') {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(target)
      ? { env: target }
      : { message: 'must name an environment variable', hint: secretHint };
  }
  return { message: 'must be a reference to a secret', hint: secretHint };
}, isRefusal);
