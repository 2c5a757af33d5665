/**
 * Runs `work` on the items, at most `ahead` at a time, and yields the results in the order of the
 * items. Items are taken only as room appears, so memory is bounded by `ahead`. A failure surfaces
 * in its turn; what was begun is waited for before the generator ends.
 */
export async function* orderedAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // A failure is thrown in its turn below; until then it must not count as unhandled.
      result.catch(() => undefined);
      running.push(result);
      if (running.length >= ahead) {
        const first = running.shift();
        if (first !== undefined) yield await first;
      }
    }
    for (let first = running.shift(); first !== undefined; first = running.shift()) {
      yield await first;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
