import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { messageNames } from '../core/messages';
import { serverSettings } from '../worker/embedded/dev-server';
import { freePort } from './free-port';

/** Beside `default`: workers of another configuration serve the same controller from there. */
export const secondNamespace = 'second';

/** Temporal's development server on a database file, as `holdfast up` runs it. */
export class TemporalServer {
  private constructor(
    readonly address: string,
    readonly client: Client,
    private readonly child: ChildProcess,
  ) {}

  static async start(program: string, directory: string): Promise<TemporalServer> {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const attributes = Object.values(messageNames.searchAttributes).flatMap((name) => [
      '--search-attribute',
      `${name}=Keyword`,
    ]);
    const args = ['server', 'start-dev', '--port', String(port), '--ip', '127.0.0.1', '--headless'];
    const file = ['--db-filename', join(directory, 'temporal.db'), '--log-level', 'error'];
    const namespaces = ['--namespace', secondNamespace];
    const settings = serverSettings.flatMap((setting) => ['--dynamic-config-value', setting]);
    const given = [...args, ...file, ...namespaces, ...settings, ...attributes];
    const child = spawn(program, given, { stdio: 'ignore' });
    for (let tries = 0; ; tries += 1) {
      try {
        const connection = await Connection.connect({ address, connectTimeout: 500 });
        return new TemporalServer(address, new Client({ connection }), child);
      } catch (error) {
        if (tries > 100 || child.exitCode !== null) {
          child.kill('SIGKILL');
          throw new Error('Temporal did not start', { cause: error });
        }
        await delay(100);
      }
    }
  }

  /** A client of one of the namespaces. */
  in(namespace: string): Client {
    return new Client({ connection: this.client.connection, namespace });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Ends it at once, without waiting. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    // It doesn't answer SIGTERM while something is connected.
    this.child.kill('SIGKILL');
    await ended;
  }
}
