import { describeStorage } from '../../storage/conformance';
import { S3Server } from './s3-server';

let server: S3Server;
beforeAll(async () => {
  server = await S3Server.start();
});
afterAll(() => server.stop());

describeStorage('s3', async () => {
  const bucket = await server.bucket();
  const [storage, other] = [server.open(bucket), server.open(bucket)];
  return {
    storage,
    other,
    dispose: async () => {
      await storage.close();
      await other.close();
    },
  };
});
