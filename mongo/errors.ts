import { MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb';
import type { MongoClient } from 'mongodb';
import { errorText, HoldfastError, isAbort } from '../core/errors';

/** Whose connection an error belongs to. */
export interface ConnectionContext {
  readonly hosts: readonly string[];
  readonly user: string | undefined;
}

/** What a primary says when it is none any more, or goes down (error_codes.yml of the server). */
export const failoverCodes: readonly number[] = [64, 91, 189, 10107, 11600, 11602, 13435, 13436];

const codes = { userNotFound: 11, unauthorized: 13, authenticationFailed: 18 };

/** Code of a command's failure as mongod gives it, undefined for anything else. */
export function serverCode(error: unknown): number | undefined {
  return error instanceof MongoServerError && typeof error.code === 'number'
    ? error.code
    : undefined;
}

/** Hosts and user of a client, for messages: never its password. */
export function connectionContext(client: MongoClient): ConnectionContext {
  return {
    hosts: client.options.hosts.map(String),
    user: client.options.credentials?.username,
  };
}

/** HF-MONGO-006: mongod answered with what cannot be read, or lacks what it must hold. */
export function unreadableReply(client: MongoClient, reason: string, cause?: Error): HoldfastError {
  const { hosts } = connectionContext(client);
  const options = cause === undefined ? {} : { cause };
  return new HoldfastError('HF-MONGO-006', { hosts: hosts.join(', '), reason }, options);
}

/**
 * What a failed connection means: HF-MONGO-002 for refused credentials, HF-MONGO-001 for anything
 * else. The driver's error stays as cause.
 */
export function connectionError(error: unknown, { hosts, user }: ConnectionContext): Error {
  if (error instanceof HoldfastError) return error;
  const code = serverCode(error);
  const named = hosts.join(', ');
  const options = { cause: error };
  if (code === codes.authenticationFailed || code === codes.userNotFound) {
    return new HoldfastError(
      'HF-MONGO-002',
      { hosts: named, user: user ?? '(none)', reason: errorText(error) },
      options,
    );
  }
  return new HoldfastError('HF-MONGO-001', { hosts: named, reason: reasonOf(error) }, options);
}

/**
 * Whether a command was lost with its connection, or with the primary it went to. mongod's own codes
 * (`failoverCodes`) aside, that can be a TypeError: a reply that is left undecoded (`raw`) has an
 * undecoded topologyVersion, too, and the driver (7.8.0) compares it when the reply is a failover's.
 */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof MongoNetworkError || isUndecodedTopology(error);
}

function isUndecodedTopology(error: unknown): boolean {
  return error instanceof TypeError && error.stack?.includes('compareTopologyVersion') === true;
}

function reasonOf(error: unknown): string {
  if (isUndecodedTopology(error)) return 'the primary changed';
  if (error instanceof MongoServerSelectionError && error.cause !== undefined) {
    return errorText(error.cause) || errorText(error);
  }
  return errorText(error);
}

/**
 * What the failure of a command means: HF-MONGO-005 when the user may not run it (code 13),
 * HF-MONGO-002 when the login broke, HF-MONGO-001 when the connection did, HF-MONGO-004 with
 * mongod's code otherwise. Aborts and HoldfastErrors come back as they are; the driver's error
 * stays as cause.
 */
export function commandError(
  client: MongoClient,
  command: string,
  target: string,
  error: unknown,
): unknown {
  if (error instanceof HoldfastError || isAbort(error)) return error;
  const context = connectionContext(client);
  const code = serverCode(error);
  if (code === codes.unauthorized) {
    return new HoldfastError(
      'HF-MONGO-005',
      { user: context.user ?? '(none)', command, target },
      { cause: error },
    );
  }
  if (code === codes.authenticationFailed || code === codes.userNotFound) {
    return connectionError(error, context);
  }
  if (isConnectionLoss(error) || error instanceof MongoServerSelectionError) {
    return connectionError(error, context);
  }
  if (code !== undefined) {
    return new HoldfastError(
      'HF-MONGO-004',
      { command, target, code, reason: errorText(error) },
      { cause: error },
    );
  }
  return error;
}

/** Runs `call` and throws what {@link commandError} makes of its failure. */
export async function explained<T>(
  client: MongoClient,
  command: string,
  target: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw commandError(client, command, target, error);
  }
}
