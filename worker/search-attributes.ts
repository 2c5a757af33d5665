import type { OperatorService } from '@temporalio/client';
import { HoldfastError, errorText } from '../core/errors';
import { messageNames } from '../core/messages';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const keyword = 2;

/** What both kinds of connection offer. */
export interface OperatorConnection {
  readonly operatorService: OperatorService;
}

/**
 * Registers those of Holdfast's search attributes that the namespace lacks, as keywords: a workflow
 * that sets an unregistered one hangs. Idempotent, also when two processes do it at once.
 * @returns the names that were missing.
 * @throws HoldfastError HF-TEMPORAL-006 when they are missing and may not be registered.
 */
export async function registerSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
): Promise<readonly string[]> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
  } catch (error) {
    // Another process may have been faster; only what is still missing now is a failure.
    const left = await missingAttributes(connection, namespace);
    if (left.length > 0) {
      throw new HoldfastError(
        'HF-TEMPORAL-006',
        { namespace, names: left.join(', '), reason: errorText(error) },
        { cause: error },
      );
    }
  }
  return missing;
}

async function missingAttributes(
  connection: OperatorConnection,
  namespace: string,
): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.values(messageNames.searchAttributes).filter(
    (name) => Number(customAttributes[name]) !== keyword,
  );
}
