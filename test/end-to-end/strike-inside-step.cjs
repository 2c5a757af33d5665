/**
 * Loaded into a host worker under test: sees what each step does to files, mongod and services, and
 * signals its own process right before the effect that a test has named. So a step is hit between two
 * of its own effects, however short it is. A strike is made once: the mark under its step's name says
 * so, and that the step was really hit.
 *
 * TEST_STRIKES names a directory with `strikes.json`:
 * `{"STEP": {"before": "regular expression", "nth": 1, "signal": "SIGKILL"}}`. The effect `begin` is
 * the step's own begin. With TEST_TRACE every effect is appended to `trace` there.
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const fs = require('node:fs');
const net = require('node:net');
const { join } = require('node:path');
const mongo = require('mongodb/lib/cmap/connection');

const directory = process.env['TEST_STRIKES'] ?? '';
const { appendFileSync, readFileSync, readlinkSync, writeFileSync } = fs;
/** Where Temporal's SDK keeps which activity a call belongs to. */
const contexts = Symbol.for('__temporal_activity_context_storage__');
/** What each step that runs is to be struck with, and how often its effect has come. */
const armed = new Map();

function begin(context) {
  const step = context.info.activityType;
  const strikes = JSON.parse(readFileSync(join(directory, 'strikes.json'), 'utf8'));
  armed.set(step, { ...strikes[step], times: 0 });
  effect('begin', context);
}

function effect(text, context = globalThis[contexts]?.getStore()) {
  const step = context?.info?.activityType;
  if (step === undefined) return;
  if (process.env['TEST_TRACE']) {
    appendFileSync(join(directory, 'trace'), `${step} ${context.info.attempt} ${text}\n`);
  }
  const strike = armed.get(step);
  if (strike?.before === undefined || !new RegExp(strike.before).test(text)) return;
  strike.times += 1;
  if (strike.times !== strike.nth) return;
  try {
    writeFileSync(join(directory, step), text, { flag: 'wx' });
  } catch (error) {
    if (error.code === 'EEXIST') return;
    throw error;
  }
  process.kill(process.pid, strike.signal);
}

/** Calls `before` with this and the arguments, then the method itself. */
function precede(owner, name, before) {
  const method = owner[name];
  owner[name] = function (...args) {
    before(this, args);
    return method.apply(this, args);
  };
}

precede(AsyncLocalStorage.prototype, 'run', (storage, [context]) => {
  if (storage === globalThis[contexts]) begin(context);
});

const calls = ['copyFile', 'link', 'mkdir', 'open', 'readFile', 'rename', 'rm', 'symlink'];
for (const name of calls) {
  precede(fs.promises, name, (_, args) => {
    effect([name, ...args.filter((arg) => typeof arg === 'string')].join(' '));
  });
}

precede(fs, 'read', (_, [fd]) => effect(`read ${pathOf(fd)}`));

void fs.promises.open(__filename).then(async (handle) => {
  const handles = Object.getPrototypeOf(handle);
  await handle.close();
  precede(handles, 'read', ({ fd }) => effect(`read ${pathOf(fd)}`));
  precede(handles, 'write', ({ fd }) => effect(`write ${pathOf(fd)}`));
});

function pathOf(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'what is closed';
  }
}

precede(mongo.Connection.prototype, 'command', (_, [namespace, document]) => {
  const [name] = Object.keys(document);
  effect(`mongod ${name} ${namespace.db} ${String(document[name])}`);
});

precede(net.Socket.prototype, 'write', (_, [data]) => {
  if (typeof data !== 'string' || !data.startsWith('{"v":1,"do":')) return;
  effect(`service ${JSON.parse(data).do}`);
});
