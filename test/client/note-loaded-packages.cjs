/**
 * Loaded into a command under test: writes down, when it ends, which packages it had loaded, one a
 * line.
 */
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const packages = Object.keys(require.cache).flatMap((file) => {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    return name ?? [];
  });
  const file = process.env['TEST_PACKAGE_NOTES'];
  if (file) writeFileSync(file, [...new Set(packages)].join('\n'));
});
