import { PassThrough } from 'node:stream';
import { showCopy, showVerifications } from '../../client/cli/show-report';
import { Terminal } from '../../client/cli/terminal';
import type { CopyReport, VerifyAllReport } from '../../core/messages';

const id = (day: number): string => `2026010${day}-030405.11111111-2222-4333-8444-555555555555`;

function shown(quiet: boolean, show: (terminal: Terminal) => number) {
  const stdout = new PassThrough();
  const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() };
  const settings = { json: false, quiet, color: false, input: false, variables: {} };
  const status = show(new Terminal(streams, settings));
  const text: unknown = stdout.read();
  return { status, lines: text instanceof Buffer ? text.toString().split('\n').slice(0, -1) : [] };
}

const verified: VerifyAllReport = {
  v: 1,
  kind: 'verifyAll',
  storage: 'offsite',
  outcome: 'damaged',
  backups: [
    { id: id(1), verdict: 'sound', bytes: 4_194_304 },
    {
      id: id(2),
      verdict: 'damaged',
      bytes: 0,
      code: 'HF-ARCHIVE-001',
      reason: 'entry \u001b[31m is damaged',
    },
    { id: id(3), verdict: 'gone', bytes: 0 },
  ],
  left: 12,
  incomplete: 1,
  bytes: 4_194_304,
  duration: 2_000,
};

describe('what a verification of several backups says', () => {
  it('is each verdict, why, and what was not read; 13 says damage', () => {
    const { status, lines } = shown(false, (terminal) => showVerifications(terminal, verified));
    expect(status).toBe(13);
    expect(lines).toEqual([
      `ID${' '.repeat(50)}  VERDICT     READ`,
      `${id(1)}  sound    4.0 MiB`,
      `${id(2)}  damaged           [HF-ARCHIVE-001] entry \\u{1b}[31m is damaged`,
      `${id(3)}  gone`,
      '',
      'storage:           offsite',
      'sound:             1',
      'damaged:           1',
      'removed meanwhile: 1',
      'not read:          12, too many for one run: run it again',
      'incomplete:        1',
      'read:              4.0 MiB',
      'took:              2.0 s',
    ]);
  });

  it('is only the damaged ones where little was asked for', () => {
    const { lines } = shown(true, (terminal) => showVerifications(terminal, verified));
    expect(lines).toEqual([id(2)]);
  });

  it.each([
    ['all were read', { left: 0 }, 0],
    ['some were left although all were asked for', { left: 3 }, 3],
    ['some were left by a sample', { left: 3, sample: 5 }, 0],
  ])('ends with its status: %s', (_what, change, status) => {
    const report: VerifyAllReport = {
      ...verified,
      outcome: 'sound',
      backups: verified.backups.slice(0, 1),
      ...change,
    };
    expect(shown(false, (terminal) => showVerifications(terminal, report)).status).toBe(status);
  });
});

describe('what a copy says', () => {
  const copied: CopyReport = {
    v: 1,
    kind: 'copy',
    backupId: id(1),
    from: 'default',
    to: 'offsite',
    outcome: 'copied',
    archive: { name: 'a.tar.gz', size: 4_194_304, sha256: 'ab', sha1Base64: 'c' },
    files: 2,
    bytes: 4_195_000,
    duration: 2_000,
  };

  it('is where from and where to, and the id last', () => {
    const { status, lines } = shown(false, (terminal) => showCopy(terminal, copied));
    expect(status).toBe(0);
    expect(lines).toEqual([
      `backup:  ${id(1)}`,
      'outcome: copied',
      'from:    default',
      'to:      offsite',
      'archive: a.tar.gz, 4.0 MiB',
      'sha256:  ab',
      'files:   2 and MANIFEST, 4.0 MiB',
      'took:    2.0 s',
      id(1),
    ]);
    expect(shown(true, (terminal) => showCopy(terminal, copied)).lines).toEqual([id(1)]);
  });
});
