import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { HoldfastError, errorText } from '../../core/errors';
import { probe } from '../probe-server';
import { identifyProcess, type ProcessIdentity } from '../process-identity';
import { registerSearchAttributes } from '../search-attributes';
import { stopProcess } from '../stop-process';
import { logTail } from './log-tail';

/** What an embedded server is started with. */
export interface DevServerOptions {
  readonly cli: string;
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** Database file; made when missing. */
  readonly database: string;
  /** Its output is appended to this file. */
  readonly log: string;
  /** Milliseconds until it must answer. */
  readonly startWithin: number;
}

const stopWithin = 10_000;
/** Closed workflows are the audit trail; milliseconds. */
const retention = 90 * 24 * 3_600_000;

/**
 * Temporal's development server, in a process group of its own: a Ctrl-C in the terminal reaches
 * the workers, which have to drain, and not the server they still need.
 */
export class DevServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly identity: ProcessIdentity,
    readonly address: string,
    readonly uiAddress: string,
    /** Resolves with how it ended, if it does. */
    readonly ended: Promise<string>,
  ) {}

  /**
   * Spawns it. It need not answer yet: see `whenReady`.
   * @throws HoldfastError HF-TEMPORAL-005 when its ports are taken or it can't be run.
   */
  static async spawn(options: DevServerOptions): Promise<DevServer> {
    const { ip, port, uiPort, log } = options;
    const refuse = (reason: string): HoldfastError =>
      new HoldfastError('HF-TEMPORAL-005', { seconds: seconds(options), reason, log });
    for (const taken of [port, uiPort]) {
      const address = `${ip}:${taken}`;
      if ((await probe(address)) === undefined) throw refuse(`${address} is already in use`);
    }
    const output = await open(log, 'a', 0o600);
    try {
      const child = spawn(options.cli, serverArguments(options), {
        detached: true,
        stdio: ['ignore', output.fd, output.fd],
      });
      const ended = endOf(child);
      const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
      if (identity === undefined) throw refuse(await ended);
      return new DevServer(child, identity, `${ip}:${port}`, `http://${ip}:${uiPort}`, ended);
    } finally {
      await output.close();
    }
  }

  /**
   * Resolves when it answers, its namespace has Holdfast's search attributes and keeps closed
   * workflows for 90 days.
   * @throws HoldfastError HF-TEMPORAL-005 with the tail of its log.
   */
  async whenReady(options: DevServerOptions, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + options.startWithin;
    const end: { how?: string } = {};
    void this.ended.then((how) => (end.how = how));
    let reason = 'it does not answer';
    while (end.how === undefined && performance.now() < deadline) {
      signal.throwIfAborted();
      try {
        if ((await probe(this.address)) === undefined) {
          await prepare(this.address, options.namespace);
          return;
        }
      } catch (error) {
        // It accepts connections some time before it answers, and answers before its namespace is there.
        reason = errorText(error);
      }
      await sleep(50);
    }
    throw new HoldfastError('HF-TEMPORAL-005', {
      seconds: seconds(options),
      reason: `${end.how ?? reason}${await logTail(options.log)}`,
      log: options.log,
    });
  }

  /** Ends it; SIGKILL after 10 s. */
  async stop(): Promise<void> {
    await stopProcess(this.identity, stopWithin);
    await this.ended;
    this.child.unref();
  }
}

/**
 * Settings of the server's own. It reads its queue of what is to be done next 20 times a second by
 * default, a rate for clusters of many shards: a workflow of short steps is through that after ten of
 * them, and then waits 50 ms before each step and 50 ms after it.
 */
export const serverSettings: readonly string[] = [
  'frontend.enableServerVersionCheck=false',
  'history.transferProcessorMaxPollRPS=1000',
];

function serverArguments(options: DevServerOptions): string[] {
  const { ip, port, uiPort, namespace, database } = options;
  const flags = {
    ip,
    port,
    'ui-port': uiPort,
    namespace,
    'db-filename': database,
    'log-format': 'json',
    'log-level': 'warn',
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const settings = serverSettings.flatMap((setting) => ['--dynamic-config-value', setting]);
  return ['server', 'start-dev', ...given, ...settings];
}

function seconds({ startWithin }: DevServerOptions): number {
  return Math.round(startWithin / 1_000);
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(
        signal === null ? `it ended with status ${code ?? '-'}` : `it was ended by ${signal}`,
      ),
    );
  });
}

async function prepare(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.withDeadline(Date.now() + 5_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      await registerSearchAttributes(connection, namespace);
      await connection.workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: msToTs(retention) },
      });
    });
  } finally {
    await connection.close();
  }
}
