import { NativeConnection } from '@temporalio/worker';
import type { Environment } from '../config/environment';
import type { TemporalConfig } from '../config/holdfast-config';
import { temporalConnection } from '../config/temporal';
import { HoldfastError, errorText } from '../core/errors';
import { connectionOptions } from './connection-options';
import { requireServer } from './probe-server';

/** A connection for workers, with the namespace they work in. */
export interface WorkerConnection {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly address: string;
}

/**
 * Connects a worker process to Temporal.
 * @throws HoldfastError HF-TEMPORAL-001 when no server answers (within 300 ms when nothing listens).
 */
export async function connectWorker(
  config: TemporalConfig,
  environment: Environment,
): Promise<WorkerConnection> {
  const settings = await temporalConnection(config, environment);
  const { address, namespace } = settings;
  await requireServer(address);
  try {
    const connection = await NativeConnection.connect(connectionOptions(settings));
    return { connection, namespace, address };
  } catch (error) {
    const reason = errorText(error);
    throw new HoldfastError('HF-TEMPORAL-001', { address, reason }, { cause: error });
  }
}
