import { HoldfastError } from '../core/errors';

/** An attempt, as its worker knows it. */
export interface KnownAttempt {
  readonly activityId: string;
  readonly activityType: string;
  /** From 1. */
  readonly attempt: number;
}

/** What Temporal waits for, as Describe answers. */
export interface PendingAttempt {
  readonly activityId?: string | null;
  readonly attempt?: number | null;
}

/**
 * A worker that was stopped, or whose machine was, can hold a step since before its timeout, and begin
 * it when another attempt has done it or the whole operation is over. Such a one must not begin.
 * @throws HoldfastError HF-FENCE-001
 */
export function refuseLateAttempt(mine: KnownAttempt, pending: readonly PendingAttempt[]): void {
  const found = pending.find(({ activityId }) => activityId === mine.activityId);
  if (found?.attempt === mine.attempt) return;
  throw new HoldfastError('HF-FENCE-001', {
    mine: mine.attempt,
    newer: found?.attempt ?? mine.attempt + 1,
    step: mine.activityType,
  });
}
