import { StallNotice } from '../../client/cli/stall-notice';

const queues = { workflow: 'holdfast', host: 'holdfast-host/m/machine-0' };

/** A notice with a clock that is set by hand. */
function notice(lastPoll: () => Promise<string>) {
  const clock = { now: 0 };
  const lines: string[] = [];
  const stall = new StallNotice({
    queues,
    now: () => clock.now,
    lastPoll,
    note: (line) => void lines.push(line),
  });
  return { clock, lines, stall };
}

describe('when nothing begins', () => {
  it('names once, after 5 s, the queue, its last poll and what to run', async () => {
    const { clock, lines, stall } = notice(() => Promise.resolve(', last polled a day ago'));
    for (clock.now = 0; clock.now < 20_000; clock.now += 500) {
      await stall.look({});
      expect(lines).toHaveLength(clock.now < 5_000 ? 0 : 1);
    }
    expect(lines).toEqual([
      'nothing has started yet on queue holdfast, last polled a day ago; run `holdfast worker` on the host of machine-0',
    ]);
  });

  it('says so again after something had begun', async () => {
    const { clock, lines, stall } = notice(() => Promise.resolve(''));
    const waiting = { type: 'dumpDatabase', state: 'scheduled', attempt: 1 } as const;
    for (const phase of [undefined, 'preparing']) {
      await stall.look(phase === undefined ? {} : { phase, step: waiting });
      clock.now += 5_000;
      await stall.look(phase === undefined ? {} : { phase, step: waiting });
      await stall.look({ phase: 'preparing', step: { ...waiting, state: 'started' } });
    }
    expect(lines.map((line) => /queue (\S+);/.exec(line)?.[1])).toEqual([
      queues.workflow,
      queues.host,
    ]);
  });

  it('still says so where the last poll cannot be asked for', async () => {
    const { clock, lines, stall } = notice(() => Promise.reject(new Error('14 UNAVAILABLE')));
    await stall.look({});
    clock.now = 5_000;
    await stall.look({});
    expect(lines).toEqual([expect.stringContaining('nothing has started yet on queue holdfast;')]);
  });
});
