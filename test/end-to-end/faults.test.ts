import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Ground } from '../faults/ground';
import { planRuns, type FaultRun } from '../faults/plan';
import { runFault } from '../faults/run-fault';

const seed = 15;
const planned = planRuns(seed, 40);
const isFullDisk = ({ fault }: FaultRun): boolean => fault.endsWith(' full');

/** A sample of `npm run faults`, which does the same with every step and fault. */
describe('an operation that is struck ends complete, or leaves the exact state before', () => {
  let ground: Ground;

  beforeAll(async () => {
    ground = await Ground.build({ seed, mongod: '6.0', size: 1_000_000, withVolumes: false });
  });
  afterAll(() => ground.stop());

  const runs = planned.filter((run) => !isFullDisk(run)).slice(0, 13);
  it.each(runs)('$fault in $step of a $kind (run $index)', async (run) => {
    const { outcome, problems } = await runFault(ground, run);
    expect({ outcome, problems }).toEqual({
      outcome: expect.not.stringMatching('failed'),
      problems: [],
    });
  });

  it.each(['backup', 'restore'] as const)(
    'a full disk in a %s, in a namespace where volumes can be mounted',
    async (kind) => {
      const run = planned.find((each) => each.kind === kind && isFullDisk(each));
      const { status, stdout } = await runTool(
        '--seed',
        String(seed),
        '--only',
        String(run?.index),
      );
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: expect.stringMatching(/runs made: 1, failed: 0|Full disks were left out/),
      });
    },
  );
});

function runTool(...args: readonly string[]): Promise<{ status: number; stdout: string }> {
  const tool = join(__dirname, '../../tools/faults.mjs');
  const child = spawn(process.execPath, [tool, '--built', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ status: code ?? -1, stdout }));
  });
}
