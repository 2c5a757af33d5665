import { errorTable, type ErrorCode, type ErrorEntry } from './error-table';

type Placeholders<T extends string> = T extends `${string}{${infer P}}${infer Rest}`
  ? P | Placeholders<Rest>
  : never;

/** The values an error's message and hint need, by the placeholders of its templates. */
export type ErrorParams<C extends ErrorCode> = {
  [K in Placeholders<(typeof errorTable)[C]['message'] | (typeof errorTable)[C]['hint']>]:
    string | number;
};

type ErrorArguments<C extends ErrorCode> = keyof ErrorParams<C> extends never
  ? [params?: Record<string, never>, options?: ErrorOptions]
  : [params: ErrorParams<C>, options?: ErrorOptions];

function fill(template: string, params: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? `{${name}}`));
}

/** A row of the error table with its templates filled in. */
export function describeError(
  code: ErrorCode,
  params: Readonly<Record<string, string | number>>,
): ErrorEntry {
  const { message, hint, exit, retryable } = errorTable[code];
  return { message: fill(message, params), hint: fill(hint, params), exit, retryable };
}

/**
 * The one error class of Holdfast. Its code selects message, hint, exit status and retry
 * behaviour from the table in `core/error-table.ts`.
 */
export class HoldfastError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'HoldfastError';
  readonly code: C;
  /** What to do about it: whole sentences. */
  readonly hint: string;
  /** Exit status of the command line (README, exit codes). */
  readonly exit: number;
  readonly retryable: boolean;
  /** The values that were filled into the templates: never secrets. */
  readonly params: Readonly<Record<string, string | number>>;

  constructor(code: C, ...[params, options]: ErrorArguments<C>) {
    const values: Record<string, string | number> = { ...params };
    const { message, hint, exit, retryable } = describeError(code, values);
    super(message, options);
    this.code = code;
    this.params = values;
    this.hint = hint;
    this.exit = exit;
    this.retryable = retryable;
  }
}

/** Whether `error` is a HoldfastError, of one of the given codes when any is given. */
export function isHoldfastError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is HoldfastError<C> {
  if (!(error instanceof HoldfastError)) return false;
  return codes.length === 0 || codes.some((code) => code === error.code);
}

/** Text of anything thrown, without its stack. */
export function errorText(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message);
  }
  return String(error);
}

/** Whether `error` says that work was aborted by an AbortSignal (Node errors are foreign to Jest's realm). */
export function isAbort(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('name' in error)) return false;
  return error.name === 'AbortError' || error.name === 'CancelledFailure';
}
