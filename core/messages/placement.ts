/** Which task queues the steps of an operation run on: part of the input, never constants in workflow code. */
export interface Placement {
  /** Workflows, and what any worker may do. */
  readonly workflow: string;
  /** The host's own work. */
  readonly host: string;
  /** Where the storage can be reached; a storage of place 'host' is reached on the host's queue. */
  readonly storage: string;
}

/** Times an operation needs before it knows its host, milliseconds. */
export interface OperationLimits {
  readonly heartbeatTimeout: number;
  /** How long an operation waits for a host whose worker is away, before its point of no return. */
  readonly hostWait: number;
  /** How long a step may lie on the host's queue before the operation says that it waits for the host. */
  readonly hostNotice: number;
  /** How long a restore waits for its confirmation. */
  readonly confirmWait: number;
}
