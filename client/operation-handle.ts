import type { Report } from './status';

/** A run that was started, or found running. `R` is its report. */
export interface OperationHandle<R extends Report = Report> {
  readonly kind: R['kind'];
  readonly workflowId: string;
  readonly runId: string;
  /** It ran already. */
  readonly attached: boolean;
  readonly queues: { readonly workflow: string; readonly host: string };
}
