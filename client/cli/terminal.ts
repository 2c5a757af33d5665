/** How output is to look, from options, environment and the streams themselves. */
export interface TerminalSettings {
  readonly json: boolean;
  readonly quiet: boolean;
  /** `--no-color` was not given. */
  readonly color: boolean;
  /** `--no-input` was not given. */
  readonly input: boolean;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** A stream that may be a terminal. */
export interface TerminalOutput extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The streams of a process. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
}

const escapes = { red: 31, yellow: 33, bold: 1, dim: 2 } as const;

/** Where a command writes: data to stdout, everything else to stderr. */
export class Terminal {
  readonly json: boolean;
  readonly quiet: boolean;
  /** A question can be asked. */
  readonly interactive: boolean;
  /** A line of progress can be rewritten in place. */
  readonly live: boolean;
  readonly #colored: boolean;
  #liveLine = false;

  constructor(
    private readonly streams: Streams,
    settings: TerminalSettings,
  ) {
    const { variables } = settings;
    const set = (name: string): boolean => (variables[name] ?? '') !== '';
    const dumb = variables['TERM'] === 'dumb';
    const tty = (stream: { readonly isTTY?: boolean | undefined }) => stream.isTTY === true;
    const terminal = tty(streams.stderr) && !dumb;
    this.json = settings.json;
    this.quiet = settings.quiet;
    this.interactive =
      settings.input && !settings.json && tty(streams.stdin) && tty(streams.stderr);
    this.live = terminal && !settings.json && !settings.quiet && !set('CI');
    const on = (name: string): boolean => set(name) && variables[name] !== '0';
    const forced = on('FORCE_COLOR') || on('CLICOLOR_FORCE');
    const refused = set('NO_COLOR') || variables['FORCE_COLOR'] === '0';
    this.#colored = settings.color && !refused && (forced || (terminal && !set('CI')));
    // A reader that has enough (`| head`) is no error.
    for (const stream of [streams.stdout, streams.stderr]) stream.on('error', () => undefined);
  }

  get columns(): number {
    return this.streams.stderr.columns ?? 80;
  }

  /** Cells that a line of data should fit into: without limit where stdout is no terminal. */
  get width(): number {
    const { isTTY, columns } = this.streams.stdout;
    return isTTY === true ? (columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** A line of data. */
  out(line: string): void {
    this.#endLive();
    this.streams.stdout.write(`${line}\n`);
  }

  /** One JSON value on a line of stdout. */
  outJson(value: unknown): void {
    this.out(JSON.stringify(value));
  }

  /** A line about what happens: shown unless `--quiet` or `--json`. */
  note(line: string): void {
    if (!this.quiet && !this.json) this.err(line);
  }

  /** What a user should know although nothing fails: shown even with `--json`, not with `--quiet`. */
  notice(line: string): void {
    if (this.quiet) return;
    this.err(this.json ? JSON.stringify({ type: 'notice', v: 1, message: line }) : `note: ${line}`);
  }

  /** A line that is always shown, on stderr. */
  err(line: string): void {
    this.#endLive();
    this.streams.stderr.write(`${line}\n`);
  }

  /** Replaces the live line, which must fit into `columns`; only where `live`. */
  progress(line: string): void {
    if (!this.live) return;
    this.streams.stderr.write(`\r\u001b[2K${line}`);
    this.#liveLine = true;
  }

  /** A text for stderr in a colour, where colours are wanted. */
  style(style: keyof typeof escapes, text: string): string {
    return this.#colored ? `\u001b[${escapes[style]}m${text}\u001b[0m` : text;
  }

  /**
   * Asks a question that is answered with yes or no; anything but yes is no.
   * @returns undefined when it was interrupted by Ctrl-C.
   */
  async confirm(question: string): Promise<boolean | undefined> {
    this.#endLive();
    const { createInterface } = await import('node:readline');
    const { stdin: input, stderr: output } = this.streams;
    const lines = createInterface({ input, output });
    try {
      return await new Promise((resolve) => {
        lines.once('SIGINT', () => resolve(undefined));
        lines.once('close', () => resolve(false));
        lines.question(`${question} [y/N] `, (answer) => resolve(/^\s*y(es)?\s*$/i.test(answer)));
      });
    } finally {
      lines.close();
    }
  }

  #endLive(): void {
    if (!this.#liveLine) return;
    this.#liveLine = false;
    this.streams.stderr.write('\r\u001b[2K');
  }
}
