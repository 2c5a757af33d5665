import type { OperationLimits, Placement } from './placement';

/** Rules of retention, as catalog/retention explains them. */
export interface PruneRules {
  readonly last?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  /** Milliseconds. */
  readonly olderThan?: number;
}

/** Input of the workflow `prune`: exactly one of `ids` and `rules`. */
export interface PruneInput {
  readonly v: 1;
  readonly controller: string;
  /** What people call the controller; only a label. */
  readonly controllerName?: string;
  readonly machine: string;
  readonly storage: string;
  readonly ids?: readonly string[];
  readonly rules?: PruneRules;
  readonly placement: Placement;
  readonly limits: OperationLimits;
}

/** Result of the workflow `prune`. */
export interface PruneReport {
  readonly v: 1;
  readonly kind: 'prune';
  /** Ids. */
  readonly removed: readonly string[];
  /** Ids of incomplete backups. */
  readonly swept: readonly string[];
  /** Bytes. */
  readonly freed: number;
  readonly duration: number;
}
