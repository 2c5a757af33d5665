import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Ground } from '../faults/ground';
import { faults, planRuns, type FaultRun } from '../faults/plan';
import { runFault } from '../faults/run-fault';

const seed = 1219;
const planned = planRuns(seed, 40);
const isFullDisk = ({ fault }: FaultRun): boolean => fault.endsWith(' full');
const sample = spread(planned, 15);

/** The first runs among which no step is twice, and no fault three times; full disks are slow, and come once. */
function spread(runs: readonly FaultRun[], count: number): readonly FaultRun[] {
  const chosen: FaultRun[] = [];
  for (const run of runs) {
    const alike = chosen.filter(({ fault }) => fault === run.fault).length;
    const most = isFullDisk(run) ? 1 : 2;
    if (alike < most && !chosen.some(({ step }) => step === run.step)) chosen.push(run);
  }
  return chosen.slice(0, count);
}

/** A sample of `npm run faults`, which does the same with every step and fault. */
describe('an operation that is struck ends complete, or leaves the exact state before', () => {
  let ground: Ground;

  beforeAll(async () => {
    ground = await Ground.build({ seed, mongod: '6.0', size: 1_000_000, withVolumes: false });
  });
  afterAll(() => ground.stop());

  it('is tried by 15 runs, in which every strike is', () => {
    expect(sample).toHaveLength(15);
    expect(new Set(sample.map(({ fault }) => fault))).toEqual(new Set(faults));
  });

  it.each(sample.filter((run) => !isFullDisk(run)))(
    '$fault in $step of a $kind (run $index)',
    async (run) => {
      const { outcome, problems } = await runFault(ground, run);
      expect({ outcome, problems }).toEqual({
        outcome: expect.not.stringMatching('failed'),
        problems: [],
      });
    },
  );

  it.each(sample.filter(isFullDisk))(
    '$fault in $step of a $kind (run $index), in a namespace where volumes can be mounted',
    async ({ index }) => {
      const { status, stdout } = await runTool('--seed', String(seed), '--only', String(index));
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
