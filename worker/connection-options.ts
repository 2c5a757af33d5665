import type { TemporalConnection } from '../config/temporal';

/** The options both kinds of connection of the SDK take. */
export function connectionOptions(settings: TemporalConnection) {
  const { address, tls, apiKey, metadata } = settings;
  return {
    address,
    tls,
    metadata: { ...metadata },
    ...(apiKey === undefined ? {} : { apiKey: apiKey.reveal() }),
  };
}
