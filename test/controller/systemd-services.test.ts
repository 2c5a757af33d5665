import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, SystemdServices, type ProgramResult } from '../../controller/systemd-services';
import { failure, inDirectory } from './temporary';

const unit = 'jujud-machine-0';
const show = [
  'show',
  '--property=LoadState,ActiveState,MainPID,DropInPaths',
  '--',
  `${unit}.service`,
];

function systemd(directory: string, answers: readonly Partial<ProgramResult>[]) {
  const calls: (readonly string[])[] = [];
  const services = new SystemdServices({
    run: async (program, args) => {
      calls.push([program, ...args]);
      return { status: 0, stdout: '', stderr: '', ...answers[calls.length - 1] };
    },
    unitDirectory: directory,
  });
  return { services, calls };
}

const running = { stdout: 'LoadState=loaded\nActiveState=active\nMainPID=4711\nDropInPaths=\n' };

describe('services under systemd', () => {
  test('are driven by exactly these arguments', async () => {
    await inDirectory(async (directory) => {
      const { services, calls } = systemd(directory, [{}, {}, {}, running, {}, running]);
      await services.stop(unit);
      await services.mask(unit);
      await services.unmask(unit);
      await services.start(unit);
      expect(await services.state(unit)).toEqual({ active: true, masked: false, pid: 4711 });
      expect(calls).toEqual([
        ['systemctl', 'stop', '--', `${unit}.service`],
        ['systemctl', 'mask', '--', `${unit}.service`],
        ['systemctl', 'unmask', '--', `${unit}.service`],
        ['systemctl', ...show],
        ['systemctl', 'start', '--', `${unit}.service`],
        ['systemctl', ...show],
      ]);
    });
  });

  test('that systemctl cannot mask are held back by a drop-in until they are unmasked', async () => {
    await inDirectory(async (directory) => {
      const refused = { status: 1, stderr: 'Failed to mask unit: File x already exists.\n' };
      const dropIn = join(directory, `${unit}.service.d/holdfast-mask.conf`);
      const held = { stdout: `LoadState=loaded\nActiveState=inactive\nDropInPaths=${dropIn}\n` };
      const { services, calls } = systemd(directory, [refused, {}, held, held]);
      await services.mask(unit);
      expect(await readFile(dropIn, 'utf8')).toContain('ConditionPathExists=!/\n');
      expect(await services.state(unit)).toEqual({ active: false, masked: true });
      expect(await failure(services.start(unit))).toMatchObject({
        code: 'HF-SERVICE-001',
        message: `service ${unit} could not be started: it is masked`,
      });
      await services.unmask(unit);
      expect(await failure(readFile(dropIn))).toMatchObject({ code: 'ENOENT' });
      expect(calls.slice(-2)).toEqual([
        ['systemctl', 'daemon-reload'],
        ['systemctl', 'unmask', '--', `${unit}.service`],
      ]);
    });
  });

  test('report what systemctl said', async () => {
    await inDirectory(async (directory) => {
      const { services } = systemd(directory, [
        { status: 5, stderr: 'Failed to stop x: Unit not loaded.\n' },
        { stdout: 'LoadState=not-found\nActiveState=inactive\nMainPID=0\n' },
        { stdout: 'LoadState=masked\nActiveState=inactive\nMainPID=0\n' },
        { stdout: 'nonsense' },
      ]);
      expect(await failure(services.stop(unit))).toMatchObject({
        code: 'HF-SERVICE-001',
        message: `service ${unit} could not be stopped: Failed to stop x: Unit not loaded.`,
      });
      expect(await failure(services.state(unit))).toMatchObject({ code: 'HF-SERVICE-001' });
      expect(await services.state(unit)).toMatchObject({ active: false, masked: true });
      expect(await failure(services.state(unit))).toMatchObject({ code: 'HF-SERVICE-001' });
    });
  });

  test.each(['--now', '../x', 'a b', '', 'a\nb'])('never take %j for a unit', async (name) => {
    const { services, calls } = systemd('/nowhere', []);
    for (const call of ['stop', 'start', 'mask', 'unmask', 'state'] as const) {
      expect(await failure(services[call](name))).toMatchObject({ code: 'HF-SERVICE-001' });
    }
    expect(calls).toEqual([]);
  });

  test('run programs without a shell and with their exit status', async () => {
    const result = await runProgram(process.execPath, [
      '-e',
      'console.log(process.argv[1]); console.error("no"); process.exit(3)',
      '$(id); "x"',
    ]);
    expect(result).toEqual({ status: 3, stdout: '$(id); "x"\n', stderr: 'no\n' });
    await inDirectory(async (directory) => {
      await mkdir(join(directory, 'x'));
      const services = new SystemdServices({
        run: (_, args) => runProgram(join(directory, 'x'), args),
      });
      expect(await failure(services.stop(unit))).toMatchObject({ code: 'HF-SERVICE-001' });
    });
  });
});
