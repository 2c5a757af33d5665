import { MemberBuffers } from '../../archive/member-buffers';

/** Whether a promise has been fulfilled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe('the buffers that members are gathered in', () => {
  it('are used again: their memory does not depend on how often they are taken', async () => {
    const buffers = new MemberBuffers(2, 1_000);
    const seen = new Set<Buffer>();
    for (let round = 0; round < 100; round++) {
      const taken = await Promise.all([buffers.take(10), buffers.take(1_000)]);
      for (const buffer of taken) {
        expect(buffer.bytes).toHaveLength(1_000);
        seen.add(buffer.bytes);
        buffers.release(buffer);
      }
    }
    expect(seen.size).toBe(2);
  });

  it('are waited for in turn when all are taken', async () => {
    const buffers = new MemberBuffers(1, 1_000);
    const first = await buffers.take(1);
    const second = buffers.take(1);
    const third = buffers.take(1);
    await Promise.resolve();
    expect(await isSettled(second)).toBe(false);
    buffers.release(first);
    buffers.release(await second);
    expect((await third).bytes).toBe(first.bytes);
  });

  it('count a content larger than one as several, and leave the others theirs', async () => {
    const buffers = new MemberBuffers(9, 1_000);
    const gathering = await Promise.all([1, 2, 3, 4, 5, 6].map(() => buffers.take(1)));
    const huge = await buffers.take(16_000_000);
    expect(huge.bytes).toHaveLength(16_000_000);
    const late = buffers.take(1);
    await Promise.resolve();
    expect(await isSettled(late)).toBe(false);
    buffers.release(huge);
    expect((await late).bytes).toHaveLength(1_000);
    for (const buffer of gathering) buffers.release(buffer);
  });
});
