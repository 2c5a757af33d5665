import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  supervisorRequestSchema,
  type SupervisorAnswer,
} from '../../controller/supervisor-protocol';
import { supervisorConfigSchema, type SupervisorConfig } from './supervisor-config';
import { Unit } from './unit';

/** Runs the units of an example's host in the place of systemd, and obeys its control socket. */
class Supervisor {
  readonly #config: SupervisorConfig;
  readonly #units = new Map<string, Unit>();
  readonly #pids = new Map<string, number>();
  readonly #reaper: ChildProcess;
  readonly #server: Server;
  #ending = false;

  constructor(config: SupervisorConfig) {
    this.#config = config;
    this.#reaper = spawn(process.execPath, [join(__dirname, 'reaper.js')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#reaper.stdin?.on('error', () => undefined);
    const masks = this.#readMasks();
    for (const [name, definition] of Object.entries(config.units)) {
      const changed = (pid: number, running: boolean): void =>
        this.#processChanged(name, pid, running);
      this.#units.set(name, new Unit(definition, masks.includes(name), changed));
    }
    this.#server = createServer((socket) => this.#converse(socket));
  }

  async listen(): Promise<void> {
    const { socket } = this.#config;
    rmSync(socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socket, resolve);
    });
    for (const unit of this.#units.values()) if (unit.enabled && !unit.masked) unit.start();
  }

  /** Stops every unit, the last one first, then itself. */
  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    for (const unit of [...this.#units.values()].reverse()) await unit.stop();
    this.#server.close();
    rmSync(this.#config.socket, { force: true });
    this.#reaper.stdin?.end();
  }

  #converse(socket: Socket): void {
    let received = '';
    let turn = Promise.resolve();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      const lines = (received + text).split('\n');
      received = lines.pop() ?? '';
      if (received.length > 65_536) socket.destroy();
      for (const line of lines) {
        turn = turn.then(async () => {
          const answer = await this.#answer(line);
          socket.write(`${JSON.stringify(answer)}\n`);
        });
      }
    });
  }

  async #answer(line: string): Promise<SupervisorAnswer> {
    let request;
    try {
      request = supervisorRequestSchema.parse(JSON.parse(line));
    } catch {
      return { ok: false, reason: 'the request cannot be read' };
    }
    const unit = this.#units.get(request.unit);
    if (unit === undefined) return { ok: false, reason: `there is no unit ${request.unit}` };
    if (this.#ending) return { ok: false, reason: 'the supervisor is stopping' };
    switch (request.do) {
      case 'state':
        break;
      case 'stop':
        await unit.stop();
        break;
      case 'start':
        if (unit.masked) return { ok: false, reason: 'it is masked' };
        unit.start();
        break;
      case 'mask':
      case 'unmask':
        unit.masked = request.do === 'mask';
        this.#writeState(
          'masks.json',
          [...this.#units].filter(([, u]) => u.masked).map(([n]) => n),
        );
        break;
    }
    return { ok: true, state: unit.state() };
  }

  #processChanged(name: string, pid: number, running: boolean): void {
    this.#reaper.stdin?.write(`${running ? '+' : '-'}${pid}\n`);
    if (running) this.#pids.set(name, pid);
    else this.#pids.delete(name);
    this.#writeState('pids.json', Object.fromEntries(this.#pids));
  }

  #writeState(name: string, value: unknown): void {
    const path = join(this.#config.state, name);
    writeFileSync(`${path}.next`, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.next`, path);
  }

  #readMasks(): readonly string[] {
    const path = join(this.#config.state, 'masks.json');
    if (!existsSync(path)) return [];
    const masks: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(masks) ? masks.map(String) : [];
  }
}

if (require.main === module) {
  const config = supervisorConfigSchema.parse(
    JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')),
  );
  const supervisor = new Supervisor(config);
  const end = (): void => {
    void supervisor.end().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  // Whoever started it holds the other end of its stdin: when that one dies, so does the example.
  process.stdin.resume();
  process.stdin.on('end', end);
  supervisor.listen().catch((error: unknown) => {
    process.stderr.write(`supervisor: ${String(error)}\n`);
    process.exit(1);
  });
}
