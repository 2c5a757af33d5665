import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Writable } from 'node:stream';
import { writeAt } from '../config/write-at';
import { errorText } from '../core/errors';

/** `igzip` could not be run or did not end well; the message says how. */
export class IgzipFailed extends Error {
  override readonly name = 'IgzipFailed';
}

/** Memory with a name: pipes would have to be filled and emptied by the main thread, 64 KiB at a time. */
const sharedMemory = '/dev/shm';

/**
 * One igzip for every line read, which does not note the file's time. Opened anew through /proc, the files are read and written from
 * their start, and what an earlier member left is cut off.
 */
const loop =
  'while read -r _; do "$1" "-$2" -n -c </proc/self/fd/3 >/proc/self/fd/4; echo "$?"; done';

const cannotRun = new Set([126, 127]);

/**
 * A shell that runs `igzip` (Intel ISA-L) for one member after the other: to start a child is
 * cheap for it, and dear for a process with much memory. It ends with its input, so that a
 * worker's death ends it, too. Content and member pass through files in memory that have no name
 * any more.
 */
export class Igzip {
  readonly #program: string;
  readonly #input: FileHandle;
  readonly #output: FileHandle;
  readonly #questions: Writable;
  readonly #answers: AsyncIterableIterator<string>;
  readonly #lines: Interface;
  readonly #ended: Promise<void>;
  /** Bytes in the input file. */
  #held = 0;

  private constructor(
    program: string,
    level: number,
    files: { readonly input: FileHandle; readonly output: FileHandle },
  ) {
    this.#program = program;
    this.#input = files.input;
    this.#output = files.output;
    const shell: ChildProcess = spawn('/bin/sh', ['-c', loop, 'igzip', program, String(level)], {
      stdio: ['pipe', 'pipe', 'ignore', files.input.fd, files.output.fd],
    });
    const { stdin, stdout } = shell;
    if (stdin === null || stdout === null) throw new IgzipFailed('its shell has no pipes');
    // Both are told by the answer that does not come.
    shell.on('error', () => undefined);
    stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => shell.once('close', () => resolve()));
    this.#questions = stdin;
    this.#lines = createInterface({ input: stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /**
   * @param program its path, or its name in PATH
   * @param level 0 to 3
   * @throws IgzipFailed where there is no memory-backed directory
   */
  static async start(program: string, level: number): Promise<Igzip> {
    const input = await nameless();
    try {
      return new Igzip(program, level, { input, output: await nameless() });
    } catch (error) {
      await input.close();
      throw error;
    }
  }

  /** One gzip member. Calls must not overlap. @throws IgzipFailed */
  async member(content: Buffer): Promise<Buffer> {
    try {
      await writeAt(this.#input, content, 0);
      if (content.length < this.#held) await this.#input.truncate(content.length);
      this.#held = content.length;
    } catch (error) {
      throw new IgzipFailed(`${sharedMemory}: ${errorText(error)}`, { cause: error });
    }
    this.#questions.write('\n');
    const answer = await this.#answers.next();
    const status = answer.done === true ? undefined : Number(answer.value);
    if (status === undefined) throw new IgzipFailed('its shell has ended');
    if (cannotRun.has(status)) throw new IgzipFailed(`${this.#program} cannot be run`);
    if (status !== 0) throw new IgzipFailed(`it ended with ${status}`);
    return readWhole(this.#output);
  }

  /** Ends the shell and frees the memory; resolves when both are gone. */
  async close(): Promise<void> {
    this.#questions.end();
    await this.#ended;
    this.#lines.close();
    await this.#input.close();
    await this.#output.close();
  }
}

async function nameless(): Promise<FileHandle> {
  const path = join(sharedMemory, `holdfast-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return file;
  } catch (error) {
    throw new IgzipFailed(errorText(error), { cause: error });
  }
}

async function readWhole(file: FileHandle): Promise<Buffer> {
  const { size } = await file.stat();
  const bytes = Buffer.allocUnsafe(size);
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(bytes, done, size - done, done);
    if (bytesRead === 0) throw new IgzipFailed('its member is shorter than it was');
    done += bytesRead;
  }
  return bytes;
}
