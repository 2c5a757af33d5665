#!/usr/bin/env node
/**
 * How much memory the host worker takes above its idle while it backs up and restores:
 *
 *     node bench/rss.mjs [SIZE]
 *
 * SIZE (1G) is that of the documents of a controller that is built for it. Fails over 150 MB. The
 * package must be built.
 */
import { createRequire } from 'node:module';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const bar = 150_000_000;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const size = process.argv[2] ?? '1G';
const directory = mkdtempSync(join(tmpdir(), 'hf-rss-'));
const children = [];

const dist = (path) => join(root, 'dist', path);
const { memoryArguments, memoryVariables } = createRequire(import.meta.url)(
  dist('worker/process-memory.js'),
);

function start(program, args, env = {}) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(program, args, { stdio, env: { ...process.env, ...env } });
  children.push(child);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  return { child, out: () => out };
}

async function until(what, ask) {
  for (let tries = 0; tries < 6_000; tries += 1) {
    if (await ask()) return;
    await sleep(100);
  }
  throw new Error(`never came: ${what}`);
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Bytes. */
function rssOf(pid) {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** Runs a command to its end and gives the worker's largest memory meanwhile, bytes. */
async function peakDuring(worker, args, env) {
  const command = start(process.execPath, [dist('client/cli/main.js'), ...args], env);
  const ended = new Promise((done) => command.child.once('close', done));
  let peak = 0;
  const began = performance.now();
  const sampling = setInterval(() => (peak = Math.max(peak, rssOf(worker.pid))), 20);
  const status = await ended;
  clearInterval(sampling);
  if (status !== 0) throw new Error(`holdfast ${args[0]} ended with ${String(status)}`);
  return { peak, took: performance.now() - began, out: command.out().trim() };
}

async function measure() {
  const tool = join(root, 'tools/servers.mjs');
  const found = JSON.parse(
    execFileSync(process.execPath, [tool, '--json', 'temporal', 'mongod'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString(),
  );
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const attributes = ['Controller', 'BackupId', 'Phase', 'Outcome'].flatMap((name) => [
    '--search-attribute',
    `Holdfast${name}=Keyword`,
  ]);
  const server = ['server', 'start-dev', '--port', String(port), '--ip', '127.0.0.1', '--headless'];
  start(found.temporal.path, [...server, '--log-level', 'error', ...attributes]);
  const example = start(process.execPath, [
    dist('examples/controller/main.js'),
    'start',
    '--directory',
    join(directory, 'c'),
    '--size',
    size,
    '--mongod',
    found.mongod.path,
    '--temporal',
    address,
  ]);
  await until('the controller', () => example.out().includes('\n'));
  const config = JSON.parse(example.out()).config;
  const [, host] = ['workflow', 'host'].map((role) =>
    start(process.execPath, [...memoryArguments, dist('worker/main.js'), role, config], {
      ...memoryVariables,
      HOLDFAST_LOG_LEVEL: 'error',
    }),
  );
  await until('the worker', () => host.out().includes('ready '));
  await sleep(3_000);
  const idle = rssOf(host.child.pid);
  const env = { HOLDFAST_CONFIG: config };
  const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`.padStart(8);
  process.stdout.write(`host worker, ${size} of documents; idle ${mb(idle).trim()}\n\n`);
  process.stdout.write('             peak  over idle      took\n');
  let highest = 0;
  const row = async (name, ...args) => {
    const { peak, took, out } = await peakDuring(host.child, [name, ...args], env);
    const seconds = `${(took / 1000).toFixed(1)} s`.padStart(10);
    process.stdout.write(`${name.padEnd(8)} ${mb(peak)}   ${mb(peak - idle)}${seconds}\n`);
    highest = Math.max(highest, peak - idle);
    return out;
  };
  const id = await row('create', '--quiet');
  await row('verify', id);
  await row('restore', id, '--yes');
  if (highest > bar) {
    process.stdout.write(`\nover the bar of ${mb(bar).trim()}\n`);
    process.exitCode = 1;
  }
}

try {
  await measure();
} finally {
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}
