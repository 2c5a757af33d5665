/**
 * Downloads one official build into a directory and prints the path of the program as its last line:
 * `node download.mjs mongod|temporal VERSION DIRECTORY`. Run by official.mjs as a process of its own.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const downloads = { mongod: downloadMongod, temporal: downloadTemporal };

/** @param {string} version e.g. `6.0.5` @param {string} directory @returns {Promise<string>} */
async function downloadMongod(version, directory) {
  const { MongoBinary } = await import('mongodb-memory-server-core/lib/util/MongoBinary.js');
  // A mongod the user's settings for tests of his own point to is not the download asked for.
  delete process.env.MONGOMS_SYSTEM_BINARY;
  process.env.MONGOMS_DOWNLOAD_DIR = directory;
  // Without this the library accepts any certificate, and its MD5 comes from the same host.
  process.env.npm_config_strict_ssl = 'true';
  const os = await closestBuild(version);
  return MongoBinary.getPath({
    version,
    downloadDir: directory,
    checkMD5: true,
    ...(os && { os }),
  });
}

/**
 * MongoDB 6.0 was never built for a Debian after 11, whose build needs OpenSSL 1.1. The build for
 * Ubuntu 22.04 has the OpenSSL 3 that Debian 12 and later have.
 *
 * @param {string} version
 */
async function closestBuild(version) {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const debian =
    /^ID=debian$/m.test(release) && Number(/^VERSION_ID="?(\d+)/m.exec(release)?.[1]) >= 12;
  if (!debian || !version.startsWith('6.0.')) return undefined;
  return { os: 'linux', dist: 'ubuntu', release: '22.04' };
}

/** @param {string} version e.g. `v1.5.1` @param {string} directory @returns {Promise<string>} */
async function downloadTemporal(version, directory) {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  // The SDK has no download alone: it comes with the start of a server, which is stopped at once.
  const executable = { type: 'cached-download', downloadDir: directory, version };
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
  const names = await readdir(directory);
  if (names.length !== 1) throw new Error(`the SDK left ${names.length} files instead of one`);
  return path.join(directory, names[0]);
}

try {
  const [what, version, directory] = process.argv.slice(2);
  process.stdout.write(`\n${await downloads[what](version, directory)}\n`);
} catch (error) {
  process.stderr.write(`error: ${String(error?.message ?? error).replaceAll(/\s+/g, ' ')}\n`);
  process.exitCode = 1;
}
