import { connect } from 'node:net';
import { errorText, HoldfastError, isAbort } from '../core/errors';
import { requireUnitName, type Services, type ServiceState } from './services';
import { supervisorAnswerSchema, type SupervisorRequest } from './supervisor-protocol';

/** Longest answer a supervisor may give, bytes. */
const answerLimit = 64 * 1024;

const doing = {
  stop: 'stopped',
  start: 'started',
  mask: 'masked',
  unmask: 'unmasked',
  state: 'looked at',
} as const satisfies Record<SupervisorRequest['do'], string>;

/** Services run by a supervisor of plain processes, asked over its unix socket. */
export class ProcessServices implements Services {
  readonly #socket: string;
  readonly #timeoutMs: number;

  constructor(options: {
    /** Path of the supervisor's control socket. */
    readonly socket: string;
    /** How long an answer may take, milliseconds; 60,000 when not given. */
    readonly timeoutMs?: number;
  }) {
    this.#socket = options.socket;
    this.#timeoutMs = options.timeoutMs ?? 60_000;
  }

  async stop(unit: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('stop', unit, signal);
  }

  async start(unit: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('start', unit, signal);
  }

  async mask(unit: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('mask', unit, signal);
  }

  async unmask(unit: string, signal?: AbortSignal): Promise<void> {
    await this.#ask('unmask', unit, signal);
  }

  async state(unit: string, signal?: AbortSignal): Promise<ServiceState> {
    return this.#ask('state', unit, signal);
  }

  async #ask(
    action: SupervisorRequest['do'],
    unit: string,
    signal: AbortSignal | undefined,
  ): Promise<ServiceState> {
    requireUnitName(unit, doing[action]);
    const failed = (reason: string, cause?: unknown): HoldfastError =>
      new HoldfastError(
        'HF-SERVICE-001',
        { service: unit, action: doing[action], reason },
        { cause },
      );
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    let line: string;
    try {
      line = await this.#exchange({ v: 1, do: action, unit }, stop);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      const reason = isAbort(error) || deadline.aborted ? 'no answer in time' : errorText(error);
      throw failed(`supervisor at ${this.#socket}: ${reason}`, error);
    }
    let answer;
    try {
      answer = supervisorAnswerSchema.parse(JSON.parse(line));
    } catch (error) {
      throw failed(`supervisor at ${this.#socket} gave an answer that cannot be read`, error);
    }
    if (!answer.ok) throw failed(answer.reason);
    const { active, masked, pid } = answer.state;
    return { active, masked, ...(pid === undefined ? {} : { pid }) };
  }

  #exchange(request: SupervisorRequest, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      let received = '';
      const socket = connect(this.#socket);
      const abort = (): void => {
        socket.destroy(new Error('aborted'));
      };
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      socket.setEncoding('utf8');
      socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
      socket.on('data', (chunk: string) => {
        received += chunk;
        const end = received.indexOf('\n');
        if (end >= 0) {
          resolve(received.slice(0, end));
          socket.destroy();
        } else if (received.length > answerLimit) {
          socket.destroy(new Error('the answer is too long'));
        }
      });
      socket.on('error', reject);
      socket.on('close', () => {
        signal.removeEventListener('abort', abort);
        reject(new Error('the connection was closed without an answer'));
      });
    });
  }
}
