/** One way to fetch a server is closed: `message` is the reason, in one line. The next way is tried. */
export class WayClosed extends Error {}

/** A server could not be found, fetched or started. `message` is ready to be shown, several lines. */
export class ServerUnavailable extends Error {
  /**
   * @param {import('./table.mjs').Server} server
   * @param {{what: string, why: string}[]} tried everything that was tried, in order
   */
  static afterTrying(server, tried) {
    return new ServerUnavailable(
      [
        `${server.title} could not be had. What was tried:`,
        ...tried.map(({ what, why }) => `  ${what}: ${why}`),
        `What to install: ${server.install}.`,
      ].join('\n'),
    );
  }
}
