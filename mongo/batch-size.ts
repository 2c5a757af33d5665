const mostDocuments = 100_000;

/**
 * How many documents to ask a cursor for, to get about `batchBytes`; at least one.
 *
 * @param documentBytes expected size of a document, bytes
 */
export function batchSize(batchBytes: number, documentBytes: number): number {
  return Math.min(mostDocuments, Math.max(1, Math.floor(batchBytes / documentBytes)));
}
