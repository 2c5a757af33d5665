import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openServices } from '../../controller/open-services';
import { waitUntilAlive, type Services } from '../../controller/services';
import type { SupervisorConfig } from '../../examples/controller/supervisor-config';
import { containing, failure, inDirectory } from '../controller/temporary';
import { compiled } from './compiled';
import { until } from './until';

const unit = 'jujud-machine-0';
const sleeps = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000);';

interface Running {
  readonly services: Services;
  readonly child: ChildProcess;
  readonly state: string;
  end(): Promise<void>;
}

async function supervise(state: string, program = sleeps): Promise<Running> {
  const config: SupervisorConfig = {
    socket: join(state, 's'),
    state,
    units: {
      [unit]: {
        program: process.execPath,
        args: ['-e', program],
        log: join(state, 'log'),
        enabled: true,
      },
    },
  };
  const file = join(state, 'supervisor.json');
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, [compiled('examples/controller/supervisor.js'), file], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const services = openServices({ type: 'process', socket: config.socket });
  await until('the supervisor', () => services.state(unit).catch(() => undefined));
  return {
    services,
    child,
    state,
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function supervised(work: (running: Running) => Promise<void>, program?: string) {
  await inDirectory(async (state) => {
    const running = await supervise(state, program);
    try {
      await work(running);
    } finally {
      await running.end();
    }
  });
}

const pidOf = async (services: Services): Promise<number | undefined> =>
  (await services.state(unit)).pid;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const gone = (pid: number): Promise<true> =>
  until(`the end of ${pid}`, async () => (lives(pid) ? undefined : true));

const liveness = { timeoutMs: 10_000, stableMs: 100, pollMs: 20, now: () => performance.now() };

describe('the supervisor of an example', () => {
  test('starts a unit again when it is killed', async () => {
    await supervised(async ({ services, state }) => {
      await waitUntilAlive(services, unit, liveness);
      const first = (await pidOf(services)) ?? 0;
      expect(JSON.parse(await readFile(join(state, 'pids.json'), 'utf8'))).toEqual({
        [unit]: first,
      });
      process.kill(first, 'SIGKILL');
      await gone(first);
      await waitUntilAlive(services, unit, liveness);
      expect(await pidOf(services)).not.toBe(first);
    });
  });

  test('stops a unit for good, and repeats every command without harm', async () => {
    await supervised(async ({ services }) => {
      const pid = await until('a pid', () => pidOf(services));
      await services.stop(unit);
      expect(lives(pid)).toBe(false);
      await services.stop(unit);
      expect(await services.state(unit)).toEqual({ active: false, masked: false });
      await services.start(unit);
      await services.start(unit);
      expect(await services.state(unit)).toMatchObject({ active: true });
    });
  });

  test('does not start a masked unit, not even after a restart of itself', async () => {
    await inDirectory(async (state) => {
      const first = await supervise(state);
      await first.services.mask(unit);
      expect(await first.services.state(unit)).toMatchObject({ active: true, masked: true });
      await first.services.stop(unit);
      expect(await failure(first.services.start(unit))).toMatchObject({
        code: 'HF-SERVICE-001',
        message: `service ${unit} could not be started: it is masked`,
      });
      await first.end();
      const second = await supervise(state);
      try {
        expect(await second.services.state(unit)).toEqual({ active: false, masked: true });
        await second.services.unmask(unit);
        await second.services.start(unit);
        await waitUntilAlive(second.services, unit, liveness);
      } finally {
        await second.end();
      }
    });
  });

  test('does not bring a masked unit back when its process dies', async () => {
    await supervised(async ({ services }) => {
      const pid = await until('a pid', () => pidOf(services));
      await services.mask(unit);
      process.kill(pid, 'SIGKILL');
      await until('the unit to stay down', async () => {
        const { active } = await services.state(unit);
        return active ? undefined : true;
      });
      expect(lives(pid)).toBe(false);
    });
  });

  test('calls a unit that dies again and again active, but never alive', async () => {
    await supervised(async ({ services }) => {
      expect(
        await failure(
          waitUntilAlive(services, unit, { ...liveness, timeoutMs: 1000, stableMs: 900 }),
        ),
      ).toMatchObject({
        code: 'HF-SERVICE-002',
        message: `service ${unit} was started but is not alive after 1 s`,
      });
      expect(await services.state(unit)).toMatchObject({ active: true });
    }, 'process.exit(1)');
  });

  test('takes its units with it when it ends, when it is killed, and when its parent is gone', async () => {
    const ways = [
      (child: ChildProcess) => child.kill('SIGTERM'),
      (child: ChildProcess) => child.kill('SIGKILL'),
      (child: ChildProcess) => child.stdin?.end(),
    ];
    for (const way of ways) {
      await inDirectory(async (state) => {
        const running = await supervise(state);
        const { services, child } = running;
        const pid = await until('a pid', () => pidOf(services));
        way(child);
        await gone(pid);
        await running.end();
      });
    }
  });

  test('refuses units it does not know, and a missing supervisor is named', async () => {
    await supervised(async ({ services }) => {
      expect(await failure(services.stop('other'))).toMatchObject({ code: 'HF-SERVICE-001' });
    });
    const services = openServices({ type: 'process', socket: '/nowhere/s' });
    expect(await failure(services.stop(unit))).toMatchObject({
      code: 'HF-SERVICE-001',
      message: containing('/nowhere/s'),
    });
  });
});
