import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const messageSchema = z.object({
  id: z.int().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ message: z.string() }).optional(),
});
const targetSchema = z.object({ targetId: z.string() });
const sessionSchema = z.object({ sessionId: z.string() });
const evaluatedSchema = z.object({ result: z.object({ value: z.unknown() }) });
const pictureSchema = z.object({ data: z.base64() });

type Answer = Readonly<Record<string, unknown>>;

/** Milliseconds between two looks at a page. */
const lookEvery = 200;
/** Milliseconds one answer of the browser may take. */
const answerWithin = 60_000;

/** A headless Chromium with one page, driven over its debugging pipe: no port, no other hosts. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #requests: Writable;
  readonly #waiting = new Map<number, PromiseWithResolvers>();
  readonly #ended: Promise<void>;
  #last = 0;
  #session: string | undefined;

  private constructor(program: string, profile: string, size: { width: number; height: number }) {
    this.#child = spawn(
      program,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--hide-scrollbars',
        `--user-data-dir=${profile}`,
        `--window-size=${size.width},${size.height}`,
        '--remote-debugging-pipe',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const [requests, answers] = this.#child.stdio.slice(3);
    if (!isWritable(requests) || !isReadable(answers)) throw new Error('the browser has no pipe');
    this.#requests = requests;
    this.#ended = new Promise((resolve) => {
      const end = (why: string): void => {
        for (const waiting of this.#waiting.values()) waiting.reject(new Error(why));
        this.#waiting.clear();
        resolve();
      };
      this.#child.on('error', (error) => end(`the browser did not start: ${error.message}`));
      this.#child.on('exit', () => end('the browser has ended'));
    });
    requests.on('error', () => undefined);
    let rest = '';
    answers.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(message);
    });
  }

  /** @param profile an empty directory of the browser's own */
  static async start(
    program: string,
    profile: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<Browser> {
    const browser = new Browser(program, profile, size);
    const created = await browser.#ask('Target.createTarget', { url: 'about:blank' });
    const { targetId } = targetSchema.parse(created);
    const attached = await browser.#ask('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionSchema.parse(attached).sessionId;
    await browser.resize(size);
    return browser;
  }

  async open(url: string): Promise<void> {
    await this.#ask('Page.navigate', { url });
  }

  /** The value of a JavaScript expression in the page, a promise awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#ask('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    return evaluatedSchema.parse(answer).result.value;
  }

  /** Every text a reader of the page sees, that of frames of the same origin included. */
  async text(): Promise<string> {
    const frames = `[...document.querySelectorAll('iframe')].map((f) => f.contentDocument?.body?.innerText ?? '')`;
    const text = await this.evaluate(`[document.body?.innerText ?? '', ...${frames}].join('\\n')`);
    return typeof text === 'string' ? text : '';
  }

  /** @throws Error with what the page showed instead, after `within` milliseconds */
  async shows(texts: readonly string[], within: number): Promise<void> {
    const deadline = performance.now() + within;
    for (;;) {
      const text = await this.text().catch(() => '');
      const missing = texts.filter((wanted) => !text.includes(wanted));
      if (missing.length === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`the page never showed ${missing.join(', ')}; it shows:\n${text}`);
      }
      await delay(lookEvery);
    }
  }

  /** Gives the window another size. */
  async resize(size: { readonly width: number; readonly height: number }): Promise<void> {
    await this.#ask('Emulation.setDeviceMetricsOverride', {
      ...size,
      deviceScaleFactor: 1,
      mobile: false,
    });
  }

  /** What a part of the window shows, as PNG. */
  async picture(part: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }): Promise<Buffer> {
    const clip = { ...part, scale: 1 };
    const answer = await this.#ask('Page.captureScreenshot', { format: 'png', clip });
    return Buffer.from(pictureSchema.parse(answer).data, 'base64');
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async #ask(method: string, params: Answer): Promise<Answer> {
    const id = (this.#last += 1);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#requests.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const over = delay(answerWithin, undefined, { ref: false }).then(() => {
      throw new Error(`the browser did not answer ${method}`);
    });
    return Promise.race([answer, over]);
  }

  #take(message: string): void {
    const { id, result, error } = messageSchema.parse(JSON.parse(message));
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result ?? {});
    else waiting?.reject(new Error(error.message));
  }
}

interface PromiseWithResolvers {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'write' in stream;
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'setEncoding' in stream;
}
