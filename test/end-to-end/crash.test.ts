import { Site } from './site';
import {
  captureSite,
  catchMoment,
  journalState,
  runFileSize,
  siteDifferences,
  type SiteState,
} from './state';

describe('a host worker killed with -9', () => {
  let site: Site;
  let before: SiteState;
  let id: string;

  beforeAll(async () => {
    site = await Site.start({ mongod: '6.0', seed: 21, size: 60_000_000 });
    await site.startWorkers();
    before = await captureSite(site);
  });
  afterAll(() => site.stop());

  /** Begins a command, kills the host worker at a moment, starts another, and waits for the end. */
  async function killedAt(
    args: readonly string[],
    what: string,
    moment: () => Promise<boolean>,
  ): Promise<string> {
    const running = site.begin(...args);
    await catchMoment(what, moment);
    await site.signalWorker('host', 'SIGKILL');
    await site.startWorker('host');
    const { status, stdout, stderr } = await running.result;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    return stdout.trim();
  }

  /** The next attempt's claim says that the killed one had begun. */
  const hasBegun = async (step: string): Promise<boolean> =>
    (await runFileSize(site, `${step}/epoch-1`)) !== undefined;

  it('in the middle of the dump: another goes on from its checkpoint', async () => {
    let spooled = 0;
    id = await killedAt(['create', '--quiet'], 'the dump has spooled 10 MB', async () => {
      spooled = (await runFileSize(site, 'dump/seg-1')) ?? 0;
      return spooled > 10_000_000;
    });
    const verified = await site.holdfast('verify', id);
    expect(verified.status).toBe(0);
    expect(await site.leftovers()).toEqual([]);
  });

  it('in the middle of the load: another goes on, nothing is doubled or lost', async () => {
    const client = site.database();
    await killedAt(['restore', id, '--yes'], 'the load has made progress', async () => {
      if (!(await hasBegun('load'))) return false;
      const loaded = await client.db('holdfast').collection('progress').countDocuments();
      if (loaded <= 5) return false;
      // An open connection of ours would rightly keep the restore from swapping.
      await client.close();
      return true;
    });
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('in the middle of the swap: another swaps to the end', async () => {
    await killedAt(
      ['restore', id, '--yes'],
      'the point of no return is passed',
      async () => (await journalState(site)) === 'past-no-return',
    );
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });
});
