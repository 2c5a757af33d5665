/**
 * Runs one step of an operation in this process, from the build: `step-until-killed.cjs CONFIG REF
 * STEP MOMENT`. A moment is what the step does to files and mongod, counted from 1: when the one named
 * has come, `now` is written, and whoever started this process kills it. At its end the step says
 * `ended` and how many moments it had.
 */
const fs = require('node:fs');
const { join } = require('node:path');

const [, , configFile, refFile, step, moment] = process.argv;
const dist = (path) => require(join(__dirname, '../../dist', path));
const steps = {
  dumpDatabase: 'activities/backup/dump-database',
  loadStaged: 'activities/restore/load-staged',
};

let count = 0;
function moments() {
  count += 1;
  if (count === Number(moment)) fs.writeSync(1, 'now\n');
}

/** Counts a method's calls before they are made. */
function watch(owner, name) {
  const method = owner[name];
  owner[name] = function (...args) {
    moments();
    return method.apply(this, args);
  };
}

async function main() {
  const environment = dist('config/environment').processEnvironment();
  const { config } = await dist('config/load').loadConfig({ environment, file: configFile });
  const host = dist('worker/host-dependencies').hostDependencies(config, environment);
  const ref = JSON.parse(fs.readFileSync(refFile, 'utf8'));
  const attempt = dist('bench/steps/bench-attempt').benchAttempt(config, environment);
  const handle = await fs.promises.open(__filename);
  const handles = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ['open', 'rename', 'link', 'writeFile', 'mkdir']) watch(fs.promises, name);
  for (const name of ['read', 'write', 'writev', 'datasync', 'sync']) watch(handles, name);
  watch(require('mongodb/lib/cmap/connection').Connection.prototype, 'command');
  await dist(steps[step])[step](host.activities, { ...attempt, runId: ref.runId }, ref);
  fs.writeSync(1, `ended ${count}\n`);
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
