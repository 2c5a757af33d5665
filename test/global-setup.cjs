const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

const servers = [
  'temporal',
  'mongod',
  'mongod44',
  'mongodump',
  'mongorestore',
  'bsondump',
  'versitygw',
];

/** The servers' paths are handed to the tests by the environment; a single `npx jest FILE` finds them too. */
module.exports = () => {
  // As Holdfast's own processes say (config/aws-sdk-warning.ts).
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const variable = (name) =>
    name === 'temporal' ? 'HOLDFAST_TEMPORAL_CLI' : `HOLDFAST_${name.toUpperCase()}`;
  const missing = servers.filter((name) => process.env[variable(name)] === undefined);
  if (missing.length === 0) return;
  const found = JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../tools/servers.mjs'), '--json', ...missing],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    ).toString(),
  );
  for (const name of missing) process.env[variable(name)] = found[name].path;
};
