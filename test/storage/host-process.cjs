/** One of two hosts: starts the backups it is told to, and says what came of each. */
const [, , house, type, json] = process.argv;
const options = JSON.parse(json);
const secret = (value) => async () => value;
const opened = {
  file: () => require(`${house}/storage/file-storage.js`).openFileStorage(options),
  s3: () =>
    require(`${house}/storage/s3-store.js`).openS3Storage({
      ...options,
      credentials: secret(options.credentials),
      now: () => Date.now(),
    }),
  gridfs: () =>
    require(`${house}/storage/gridfs-store.js`).openGridfsStorage({
      ...options,
      now: () => Date.now(),
    }),
};
const storage = opened[type]();
const owner = `run-${process.pid}`;

process.on('message', (name) => {
  const answer = (said) => process.send({ name, said });
  storage.startBackup('d', name, owner).then(
    () => answer(owner),
    (error) => answer(error.code ?? String(error)),
  );
});
process.on('disconnect', () => process.exit(0));
// Connected before the race: what it takes to get ready must not decide it.
void storage.listDirectories().then(() => process.send({ name: 'ready', said: owner }));
