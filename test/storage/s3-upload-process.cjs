/** A process to be killed: uploads slowly without end, printing each state that was reported. */
const [, , house, options] = process.argv;
const { openS3Storage } = require(`${house}/storage/s3-store.js`);
const { endpoint, bucket, credentials } = JSON.parse(options);
const storage = openS3Storage({
  name: 'child',
  endpoint,
  bucket,
  prefix: 'some/prefix',
  region: 'us-east-1',
  pathStyle: true,
  credentials: async () => credentials,
  partSize: 5 * 1024 * 1024,
  parallel: 3,
  attempts: 3,
  timeout: 30_000,
  checksums: 'sha256',
  conditionalWrites: 'yes',
  now: () => Date.now(),
});

const chunk = Buffer.alloc(64 * 1024);
const source = {
  size: 60 * 1024 * 1024,
  async *read(start) {
    for (let at = start; at < source.size; at += chunk.length) {
      chunk.fill((at / chunk.length) % 251);
      yield chunk;
    }
  },
};
const onProgress = (state) =>
  new Promise((resolve) => process.stdout.write(`${JSON.stringify(state)}\n`, resolve));
void storage
  .startBackup('d', 'b', 'run')
  .then((handle) => handle.uploadFile('a', source, { attempt: 1, onProgress }));
