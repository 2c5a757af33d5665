const systems = new Map([
  ...[
    'aix',
    'android',
    'darwin',
    'freebsd',
    'linux',
    'netbsd',
    'openbsd',
    'openharmony',
    'sunos',
    'win32',
  ].map((name) => [name, name]),
  ['macos', 'darwin'],
  ['windows', 'win32'],
  ['linuxmusl', 'linux'],
  ['fsevents', 'darwin'],
]);
const processors = new Set(
  'arm arm64 ia32 loong64 mips64el ppc64 riscv64 s390x wasm32 x64'.split(' '),
);
const libraries = [
  { pattern: /^(gnu|glibc)/, libc: 'glibc' },
  { pattern: /^(linux)?musl/, libc: 'musl' },
];

/**
 * The platform an optional package is for, read from its name (`@swc/core-linux-x64-gnu`): the package
 * itself, which says it too, is what could not be had.
 *
 * @param {string} name
 * @returns {{os?: string[], cpu?: string[], libc?: string[]}} only what the name tells, as in package.json
 */
export function platformOf(name) {
  const words = name.split(/[^a-z0-9]+/);
  const os = words.map((word) => systems.get(word)).find((system) => system !== undefined);
  const cpu = words.find((word) => processors.has(word));
  const libc = libraries.find(({ pattern }) => words.some((word) => pattern.test(word)))?.libc;
  return {
    ...(os && { os: [os] }),
    ...(cpu && { cpu: [cpu] }),
    ...(os === 'linux' && libc && { libc: [libc] }),
  };
}
