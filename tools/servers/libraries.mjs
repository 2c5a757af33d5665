/** Shared libraries that servers need, with the Debian and the Fedora package that brings each. */
const packages = new Map([
  ['libcurl.so.4', { apt: 'libcurl4', dnf: 'libcurl' }],
  ['libcrypto.so.3', { apt: 'libssl3', dnf: 'openssl-libs' }],
  ['libssl.so.3', { apt: 'libssl3', dnf: 'openssl-libs' }],
  ['libcrypto.so.1.1', { apt: 'libssl1.1', dnf: 'openssl1.1' }],
  ['libssl.so.1.1', { apt: 'libssl1.1', dnf: 'openssl1.1' }],
  ['liblzma.so.5', { apt: 'liblzma5', dnf: 'xz-libs' }],
  ['libgssapi_krb5.so.2', { apt: 'libgssapi-krb5-2', dnf: 'krb5-libs' }],
  ['libsasl2.so.2', { apt: 'libsasl2-2', dnf: 'cyrus-sasl-lib' }],
  ['libsasl2.so.3', { apt: 'libsasl2-2', dnf: 'cyrus-sasl-lib' }],
  ['libldap-2.5.so.0', { apt: 'libldap-2.5-0', dnf: 'openldap' }],
  ['libz.so.1', { apt: 'zlib1g', dnf: 'zlib' }],
  ['libstdc++.so.6', { apt: 'libstdc++6', dnf: 'libstdc++' }],
  ['libgcc_s.so.1', { apt: 'libgcc-s1', dnf: 'libgcc' }],
]);

const OPENSSL_NOTE =
  '\nSystems with OpenSSL 3 (Debian 12, Ubuntu 22.04) have no such package; a mongod 4.4 that is fetched brings its own.';

/**
 * What to install so that the libraries are there.
 *
 * @param {string[]} libraries file names as the loader gives them
 * @returns {string} one sentence, and a hint where the system may have no such package
 */
export function howToInstall(libraries) {
  const note = libraries.some((library) => library.endsWith('.so.1.1')) ? OPENSSL_NOTE : '';
  return `${sentence(libraries)}${note}`;
}

/** @param {string[]} libraries */
function sentence(libraries) {
  const known = libraries.flatMap((library) => packages.get(library) ?? []);
  if (known.length < libraries.length) {
    const unknown = libraries.filter((library) => !packages.has(library));
    return `Install the packages that bring ${unknown.join(', ')} (apt-file search or dnf provides finds them)${known.length > 0 ? `; besides, ${commands(known)}` : ''}.`;
  }
  return `Install what is missing: ${commands(known)}.`;
}

/** @param {{apt: string, dnf: string}[]} known */
function commands(known) {
  const all = (/** @type {'apt' | 'dnf'} */ tool) =>
    [...new Set(known.map((names) => names[tool]))].join(' ');
  return `apt-get install ${all('apt')} (Fedora: dnf install ${all('dnf')})`;
}
