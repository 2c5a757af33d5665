import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../core/errors';

/** What is known of a service at one moment. */
export interface ServiceState {
  /** It runs. */
  readonly active: boolean;
  /** Nothing can start it, a reboot neither, until it is unmasked. */
  readonly masked: boolean;
  /** Process id of its main process while it runs. */
  readonly pid?: number;
}

/**
 * The services of a controller host: `jujud-machine-0` (units are named without `.service`).
 * Every call may be repeated: stopping a stopped service or masking a masked one is success.
 */
export interface Services {
  /**
   * Stops the service and returns when it no longer runs.
   * @throws HoldfastError HF-SERVICE-001
   */
  stop(unit: string, signal?: AbortSignal): Promise<void>;
  /**
   * Starts the service; that it stays alive is `waitUntilAlive`'s to prove.
   * @throws HoldfastError HF-SERVICE-001, also when it is masked
   */
  start(unit: string, signal?: AbortSignal): Promise<void>;
  /**
   * Makes every start fail until `unmask`, over a reboot too.
   * @throws HoldfastError HF-SERVICE-001
   */
  mask(unit: string, signal?: AbortSignal): Promise<void>;
  /** @throws HoldfastError HF-SERVICE-001 */
  unmask(unit: string, signal?: AbortSignal): Promise<void>;
  /** @throws HoldfastError HF-SERVICE-001 when the unit is not known */
  state(unit: string, signal?: AbortSignal): Promise<ServiceState>;
}

/** Name of the agent's service on a machine: `jujud-machine-0`. */
export function agentUnit(machine: string): string {
  return `jujud-${machine}`;
}

/** How `waitUntilAlive` judges. */
export interface Liveness {
  /** How long to wait for it, milliseconds. */
  readonly timeoutMs: number;
  /** How long one and the same process must live to count, milliseconds. */
  readonly stableMs: number;
  /** Time between two looks, milliseconds. */
  readonly pollMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Waits until the service has run with one and the same process for `stableMs`: a service that
 * starts and dies again and again is not alive.
 * @throws HoldfastError HF-SERVICE-002 after `timeoutMs`.
 */
export async function waitUntilAlive(
  services: Services,
  unit: string,
  liveness: Liveness,
  signal?: AbortSignal,
): Promise<void> {
  const { timeoutMs, stableMs, pollMs, now } = liveness;
  const began = now();
  let pid: number | undefined;
  let since = began;
  for (;;) {
    signal?.throwIfAborted();
    const state = await services.state(unit, signal);
    const current = state.active ? state.pid : undefined;
    if (current !== pid) {
      pid = current;
      since = now();
    }
    if (pid !== undefined && now() - since >= stableMs) return;
    if (now() - began >= timeoutMs) {
      throw new HoldfastError('HF-SERVICE-002', {
        service: unit,
        seconds: Math.round(timeoutMs / 1000),
      });
    }
    await delay(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** A unit name that can't be taken for an option or a path. */
const unitName = /^[A-Za-z0-9:_][A-Za-z0-9:_.\\@-]{0,200}$/;

/** @throws HoldfastError HF-SERVICE-001 for a name no service can have. */
export function requireUnitName(unit: string, action: string): void {
  if (unitName.test(unit)) return;
  throw new HoldfastError('HF-SERVICE-001', {
    service: JSON.stringify(unit),
    action,
    reason: 'this is not the name of a service',
  });
}
