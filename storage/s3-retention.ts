import { isMissingObject, s3Error, type S3Service } from './s3-service';

const day = 86_400_000;

/** Locks every object of a complete backup (Object Lock), where the options say so. */
export async function lockObjects(
  service: S3Service,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const { retention, now } = service.options;
  if (retention === undefined) return;
  const client = await service.client();
  const RetainUntilDate = new Date(now() + retention.days * day);
  for (const key of keys) {
    const locked = await lockedUntil(service, key, signal);
    // A commit that is repeated never shortens a lock, which the service would refuse anyway.
    if (locked !== undefined && locked.getTime() >= now()) continue;
    await client.putObjectRetention(
      { ...service.at(key), Retention: { Mode: retention.mode, RetainUntilDate } },
      signal ? { abortSignal: signal } : {},
    );
  }
}

/** Until when an object is locked; undefined when it is not, or where the bucket has no Object Lock. */
export async function lockedUntil(
  service: S3Service,
  key: string,
  signal?: AbortSignal,
): Promise<Date | undefined> {
  if (service.options.retention === undefined) return undefined;
  const client = await service.client();
  try {
    const found = await client.getObjectRetention(
      service.at(key),
      signal ? { abortSignal: signal } : {},
    );
    return found.Retention?.RetainUntilDate;
  } catch (error) {
    const { name } = s3Error(error);
    if (name === 'NoSuchObjectLockConfiguration' || isMissingObject(error)) return undefined;
    throw error;
  }
}
