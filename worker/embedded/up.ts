import { spawn, type ChildProcess } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment';
import { HoldfastError } from '../../core/errors';
import { stopProcess } from '../stop-process';
import type { ProcessEvents } from '../supervised-process';
import { TwoProcesses } from '../two-processes';
import { DevServer, type DevServerOptions } from './dev-server';
import { logTail } from './log-tail';
import { readServerRecord, requireSameVersion, writeServerRecord } from './server-record';
import { StateDirectory } from './state-directory';
import type { TemporalCli } from './temporal-cli';

/** What `holdfast up` was asked for. */
export interface UpOptions {
  readonly cli: TemporalCli;
  /** State directory, absolute. */
  readonly state: string;
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** Configuration file for the workers; undefined: the server alone. */
  readonly workers: string | undefined;
  /** Words before the host worker's command (WorkerPriority). */
  readonly hostPrefix: readonly string[];
  /** A database that another server version wrote is taken over for good. */
  readonly newServerVersion: boolean;
  readonly environment: Environment;
  readonly events: ProcessEvents;
}

const startWithin = 30_000;
/** What the workers may take to drain when this process was killed, before the server goes. */
const orphanGrace = 5_000;

/**
 * An embedded Temporal server with the two workers of this host. If this process is killed, the
 * workers end, and a watchdog ends the server some seconds later; should that be killed too, the
 * next `holdfast up` on the state directory ends the server that the directory's record names.
 */
export class EmbeddedTemporal {
  readonly #leaving = new AbortController();
  #state: StateDirectory | undefined;
  #server: DevServer | undefined;
  #watchdog: ChildProcess | undefined;
  #workers: TwoProcesses | undefined;
  #workerLog: FileHandle | undefined;

  constructor(private readonly options: UpOptions) {}

  /** `host:port` of the server. */
  get address(): string {
    return `${this.options.ip}:${this.options.port}`;
  }

  /** Of the Web UI. */
  get uiAddress(): string {
    return `http://${this.options.ip}:${this.options.uiPort}`;
  }

  /**
   * Starts all of it; what was started is stopped when something fails.
   * @throws HoldfastError HF-TEMPORAL-003, HF-TEMPORAL-004, HF-TEMPORAL-005; WorkerStartError.
   */
  async start(): Promise<void> {
    const { state, environment } = this.options;
    this.#state = await StateDirectory.take(state, environment.pid, environment.now());
    try {
      await this.#startServer(this.#state);
      if (this.options.workers !== undefined) {
        await this.#startWorkers(this.options.workers, this.#state);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Rejects with HF-TEMPORAL-001 when the server ends by itself. */
  async untilServerEnds(): Promise<never> {
    const how = await this.#server?.ended;
    const log = this.#state?.serverLog ?? '';
    throw new HoldfastError('HF-TEMPORAL-001', {
      address: this.address,
      reason: `the embedded server is gone: ${how ?? 'it never started'}; its log is ${log}${await logTail(log)}`,
    });
  }

  /** The workers drain first, then the server goes, then the state directory is given back. Idempotent. */
  async stop(): Promise<void> {
    this.#leaving.abort(new Error('stopped before it was ready'));
    await this.#workers?.stop();
    await this.#server?.stop();
    await this.#stopWatchdog();
    await this.#workerLog?.close();
    this.#workerLog = undefined;
    await this.#state?.release();
  }

  /** Ends the workers without draining; `stop` then has less to wait for. */
  hurry(): void {
    this.#workers?.kill();
  }

  async #startServer(state: StateDirectory): Promise<void> {
    const { cli, ip, port, uiPort, namespace, newServerVersion } = this.options;
    const record = await readServerRecord(state.serverRecord);
    if (record?.process !== undefined) await stopProcess(record.process, orphanGrace);
    requireSameVersion(record, cli.server, newServerVersion);
    await state.requireOwned();
    this.#leaving.signal.throwIfAborted();
    const options: DevServerOptions = {
      cli: cli.path,
      ip,
      port,
      uiPort,
      namespace,
      database: state.database,
      log: state.serverLog,
      startWithin,
    };
    this.#server = await DevServer.spawn(options);
    const { identity } = this.#server;
    this.#watchdog = spawn(
      process.execPath,
      [
        join(__dirname, 'watchdog.js'),
        String(identity.pid),
        identity.startTime,
        String(orphanGrace),
      ],
      { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
    );
    // A watchdog that could not be started or was killed is made up for by the next `holdfast up`.
    this.#watchdog.on('error', () => undefined);
    this.#watchdog.stdin?.on('error', () => undefined);
    await writeServerRecord(state.serverRecord, { v: 1, version: cli.server, process: identity });
    await this.#server.whenReady(options, this.#leaving.signal);
  }

  async #startWorkers(config: string, state: StateDirectory): Promise<void> {
    const { environment, events, namespace, hostPrefix } = this.options;
    this.#workerLog = await open(state.workerLog, 'a', 0o600);
    this.#workers = new TwoProcesses({
      config,
      hostPrefix,
      variables: {
        ...environment.variables,
        TEMPORAL_ADDRESS: this.address,
        TEMPORAL_NAMESPACE: namespace,
        // The embedded server is on this host and speaks plain gRPC, whatever the profile says.
        TEMPORAL_TLS: 'false',
      },
      log: this.#workerLog.fd,
      events,
    });
    this.#leaving.signal.throwIfAborted();
    await this.#workers.start();
  }

  /** It ends by itself once the server has; it is waited for so that nothing is left running. */
  async #stopWatchdog(): Promise<void> {
    const watchdog = this.#watchdog;
    if (watchdog === undefined || watchdog.exitCode !== null || watchdog.signalCode !== null)
      return;
    const ended = new Promise((resolve) => watchdog.once('exit', resolve));
    watchdog.stdin?.end();
    if (watchdog.pid !== undefined) await ended;
  }
}
