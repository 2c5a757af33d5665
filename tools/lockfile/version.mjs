/**
 * A version that satisfies what a package asks for: the one it pins, or the least one of a caret or
 * tilde range.
 *
 * @param {string} name
 * @param {string} wanted as in package.json
 * @returns {string}
 * @throws on any other kind of range, for which the registry would have to be asked
 */
export function leastVersion(name, wanted) {
  const match = /^[\^~]?(\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?)$/.exec(wanted);
  if (match === null) throw new Error(`no version can be chosen for ${name}@${wanted}`);
  return match[1];
}
