import { describeStorage } from '../../storage/conformance';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';
import { openGridfs } from './gridfs-server';

let set: TestReplicaSet;
beforeAll(async () => {
  set = await startReplicaSet({ version: '6.0' });
});
afterAll(() => set.stop());

let buckets = 0;
describeStorage('gridfs', async () => {
  buckets += 1;
  const bucket = `bucket${buckets}`;
  const [storage, other] = [openGridfs(set, bucket), openGridfs(set, bucket)];
  return {
    storage,
    other,
    dispose: async () => {
      await storage.close();
      await other.close();
    },
  };
});
