import { Ground } from '../faults/ground';
import { Strikes } from './strikes';

describe('an attempt whose worker was stopped before it began', () => {
  let ground: Ground;
  let strikes: Strikes;

  beforeAll(async () => {
    strikes = await Strikes.prepare();
    const site = { workerEnvironment: strikes.environment };
    ground = await Ground.build({
      seed: 5,
      mongod: '6.0',
      size: 1_000_000,
      withVolumes: false,
      site,
    });
  });
  afterAll(async () => {
    await ground.stop();
    await strikes.remove();
  });

  it('writes nothing when it goes on after the end of its operation', async () => {
    const { site } = ground;
    const sleeper = site.worker('host');
    await strikes.arm('SIGSTOP', { fetchArchive: { before: /^begin$/ } });
    const planning = site.begin('restore', ground.backupId, '--plan');
    await strikes.awaitStrike('fetchArchive');
    try {
      // Its other polls may take some of the next attempts with them: until one reaches this one.
      await site.startWorker('host');
      expect((await planning.result).status).toBe(0);
      expect(await ground.differences(ground.present)).toEqual([]);
    } finally {
      sleeper.kill('SIGCONT');
    }
    // What it was about to do is done, or refused, when it has drained.
    const drained = new Promise((resolve) => sleeper.once('exit', resolve));
    sleeper.kill('SIGTERM');
    await drained;
    expect(await ground.differences(ground.present)).toEqual([]);
  });
});
