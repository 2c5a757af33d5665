import { firstRaw } from '../../mongo/raw-find';
import { explained, isConnectionLoss } from '../../mongo/errors';
import { mongodVersions, startReplicaSet, type TestReplicaSet } from './replica-set';

describe.each(mongodVersions)('a raw command that meets a failover of mongod %s', (version) => {
  let set: TestReplicaSet;

  beforeAll(async () => {
    set = await startReplicaSet({ version, setParameter: { enableTestCommands: '1' } });
  });
  afterAll(() => set.stop());

  test('is told as a lost connection, also while another one fails the same way', async () => {
    const client = await set.client();
    const steppedDown = 189;
    const asked = 4;
    await client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: asked },
      data: { failCommands: ['find'], errorCode: steppedDown },
    });
    const lost = await Promise.all(
      Array.from({ length: asked }, () =>
        explained(client, 'find', 'd.c', () => firstRaw(client, 'd', 'c')).catch(
          (error: unknown) => error,
        ),
      ),
    );
    for (const error of lost)
      expect(error).toMatchObject({ code: expect.stringMatching(/^HF-MONGO-00[14]$/) });
    const causes = lost.map((error) => (error instanceof Error ? error.cause : undefined));
    expect(causes.some((cause) => isConnectionLoss(cause))).toBe(true);
  });
});
