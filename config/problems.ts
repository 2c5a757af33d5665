import type { z } from 'zod';
import { quoteName } from '../core/ids';
import { nearestName } from './nearest-name';
import type { SettingPath } from './yaml-document';

/** A problem of a setting before its place is known. */
export interface SettingProblem {
  readonly path: SettingPath;
  /** The key itself is wrong, not its value. */
  readonly atKey: boolean;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** `a.b[0].c`; keys that don't print are quoted. */
export function pathText(path: SettingPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      return `${index === 0 ? '' : '.'}${quoteName(step.slice(0, 64))}`;
    })
    .join('');
}

function expectedText(expected: string): string {
  switch (expected) {
    case 'string':
      return 'must be text';
    case 'number':
      return 'must be a number';
    case 'int':
      return 'must be a whole number';
    case 'boolean':
      return 'must be true or false';
    case 'array':
      return 'must be a list';
    default:
      return 'must be a mapping';
  }
}

function valueAt(content: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.entries(value).find(([key]) => key === String(step))?.[1];
  }, content);
}

function choice(given: unknown, known: readonly string[]): { message: string; hint?: string } {
  const near = typeof given === 'string' ? nearestName(given, known) : undefined;
  const message = `must be ${known.length === 1 ? '' : 'one of '}${known.join(', ')}`;
  return near === undefined || known.length === 1
    ? { message }
    : { message, hint: `did you mean ${near}?` };
}

function unionProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  path: SettingPath,
  content: unknown,
): SettingProblem[] {
  if (issue.discriminator !== undefined) {
    const known = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
    const given = valueAt(content, path);
    if (given === undefined) {
      return [{ path, atKey: false, message: 'is missing', hint: `write ${known.join(' or ')}` }];
    }
    return [{ path, atKey: false, ...choice(given, known.map(String)) }];
  }
  // The branch that got furthest is the one the writer meant.
  const meant = issue.errors.find((errors) =>
    errors.every((inner) => inner.code !== 'invalid_type' || inner.path.length > 0),
  );
  if (meant === undefined) {
    return [{ path, atKey: false, message: 'must be true, false or a mapping' }];
  }
  return meant.flatMap((inner) =>
    problemsOf({ ...inner, path: [...path, ...inner.path] }, content),
  );
}

/** The problems of one issue, without any value of the configuration. */
export function problemsOf(issue: z.core.$ZodIssue, content: unknown): SettingProblem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const at = { path, atKey: false };
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = issue.message.split(' ');
      return issue.keys.map((key) => {
        const near = nearestName(key, known);
        return {
          path: [...path, key],
          atKey: true,
          message: 'unknown key',
          hint: near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`,
        };
      });
    }
    case 'invalid_type':
      return valueAt(content, path) === undefined
        ? [{ ...at, message: 'is missing' }]
        : [{ ...at, message: expectedText(issue.expected) }];
    case 'invalid_value':
      return [{ ...at, ...choice(valueAt(content, path), issue.values.map(String)) }];
    case 'too_small':
      return [{ ...at, message: `must be at least ${issue.minimum}${counted(issue.origin)}` }];
    case 'too_big':
      return [{ ...at, message: `must be at most ${issue.maximum}${counted(issue.origin)}` }];
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      return [{ ...at, message: issue.message, hint: typeof hint === 'string' ? hint : undefined }];
    }
    case 'invalid_union':
      return unionProblems(issue, path, content);
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    default:
      return [{ ...at, message: issue.message }];
  }
}

function counted(origin: string): string {
  if (origin === 'array') return ' element';
  return '';
}
