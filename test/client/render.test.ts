import { PassThrough } from 'node:stream';
import { ProgressView } from '../../client/cli/progress-view';
import { Terminal } from '../../client/cli/terminal';
import { renderProgress } from '../../client/render/progress';
import { renderPreflight, renderRestore } from '../../client/render/report';
import { cellWidth, fitCells, renderFacts, renderTable } from '../../client/render/table';
import { formatCount, formatDuration, formatTime } from '../../client/render/units';
import type { Status } from '../../client/status';
import type { HeartbeatDetail } from '../../core/messages';

describe('units', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [4_240, '4.2 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min'],
    [80_000, '1 min 20 s'],
    [3_599_700, '1 h'],
    [11_100_000, '3 h 5 min'],
    [176_400_000, '2 d 1 h'],
  ])('writes %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('separates thousands and writes times in UTC', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567');
    expect(formatCount(999)).toBe('999');
    expect(formatTime(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02 03:04:05 UTC');
  });
});

describe('tables', () => {
  it('aligns columns by cells, without borders or trailing blanks', () => {
    const lines = renderTable(
      [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'NOTES' }],
      [
        ['ab', '1 B', ''],
        ['日本', '1,000 B', 'long'],
      ],
    );
    expect(lines).toEqual(['NAME     SIZE  NOTES', 'ab        1 B', '日本  1,000 B  long']);
  });

  it('counts wide characters twice and combining marks not at all', () => {
    expect(cellWidth('日本')).toBe(4);
    expect(cellWidth('e\u0301')).toBe(1);
    expect(cellWidth('🗄')).toBe(2);
  });

  it('cuts a text to the cells there are and marks the cut', () => {
    expect(fitCells('abcdef', 6)).toBe('abcdef');
    expect(fitCells('abcdef', 4)).toBe('abc…');
    expect(fitCells('日本語', 4)).toBe('日…');
    expect(fitCells('abc', 0)).toBe('');
  });

  const id = '20261121-112013.f3ea87a0-c949-4300-abc4-0687fd2726fb';
  const columns = [
    { title: 'ID' },
    { title: 'SIZE', align: 'right' },
    { title: 'NOTES', flexible: true },
    { title: 'JUJU' },
  ] as const;
  const rows = [
    [id, '4.1 MiB', 'before the upgrade of the whole cloud', '2.9.51'],
    [id, '12 B', '', '2.9.51'],
  ];

  it('wrap their sentences where the terminal is a little too narrow', () => {
    expect(renderTable(columns, rows, 94)).toEqual([
      'ID                                                       SIZE  NOTES                    JUJU',
      `${id}  4.1 MiB  before the upgrade of    2.9.51`,
      '                                                               the whole cloud',
      `${id}     12 B                           2.9.51`,
    ]);
  });

  it.each([40, 60, 80])(
    'stay readable in %d cells: nothing is cut, only ids are longer',
    (width) => {
      const lines = renderTable(columns, rows, width);
      for (const line of lines) if (line !== id) expect(cellWidth(line)).toBeLessThanOrEqual(width);
      expect(lines.slice(0, 3)).toEqual(['ID', '  SIZE  NOTES  JUJU', id]);
      const words = lines.join(' ').split(/ +/);
      expect(words).toEqual(
        [...columns.map(({ title }) => title), ...rows.flat()].join(' ').split(/ +/),
      );
    },
  );

  it.each([40, 60])('of facts wrap their values in %d cells, and break no digest', (width) => {
    const facts = [
      ['database', '37 collections, 32,687 documents, 1 oplog entries'],
      ['sha256', 'ab'.repeat(32)],
      ['notes', ''],
    ] as const;
    const lines = renderFacts(facts, width);
    expect(lines).toEqual([
      ...(width === 40
        ? ['database: 37 collections, 32,687', '          documents, 1 oplog entries']
        : ['database: 37 collections, 32,687 documents, 1 oplog entries']),
      `sha256:   ${'ab'.repeat(32)}`,
      'notes:',
    ]);
  });

  it('sets the values of facts below each other', () => {
    expect(
      renderFacts([
        ['id', 'x'],
        ['longer', 'y'],
        ['empty', ''],
      ]),
    ).toEqual(['id:     x', 'longer: y', 'empty:']);
  });
});

const beat: HeartbeatDetail = {
  v: 1,
  phase: 'dumping',
  done: 512 * 1024,
  total: 1024 * 1024,
  unit: 'bytes',
  rate: 256 * 1024,
  at: 0,
};

describe('progress', () => {
  it('tells percent, amounts, rate and time left', () => {
    expect(renderProgress(beat)).toBe('50 %, 512 KiB of 1.0 MiB, 256 KiB/s, 2.0 s left');
  });

  it('tells documents beside bytes where they are known', () => {
    expect(renderProgress({ ...beat, documents: 1_200, current: 'juju.models' })).toBe(
      '50 %, 512 KiB of 1.0 MiB, 1,200 documents, 256 KiB/s, 2.0 s left, juju.models',
    );
  });

  it('never says 100 %, however much is done', () => {
    expect(renderProgress({ ...beat, done: 1024 * 1024 })).toContain('99 %');
    expect(renderProgress({ ...beat, done: 2 * 1024 * 1024 })).toContain('99 %');
  });

  it('says no percent where the total is not known, and quotes what is worked on', () => {
    const { total: _, ...open } = beat;
    const progress = renderProgress({
      ...open,
      unit: 'documents',
      done: 1500,
      current: 'a\u001b[2J',
    });
    expect(progress).toBe('1,500 documents, 262,144 documents/s, "a\\u001b[2J"');
  });
});

function terminalOn(flags: {
  json?: boolean;
  quiet?: boolean;
  tty?: boolean;
  color?: string;
  value?: string;
}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const asTty = (stream: PassThrough) =>
    Object.assign(stream, { isTTY: flags.tty ?? false, columns: 60 });
  const streams = { stdin: asTty(new PassThrough()), stdout: asTty(stdout), stderr: asTty(stderr) };
  const settings = {
    json: flags.json ?? false,
    quiet: flags.quiet ?? false,
    color: true,
    input: true,
    variables: flags.color === undefined ? {} : { [flags.color]: flags.value ?? '1' },
  };
  return { terminal: new Terminal(streams, settings), texts };
}

const running: Status = {
  v: 1,
  kind: 'backup',
  workflowId: 'w',
  runId: 'r',
  state: 'running',
  started: Date.now(),
  phase: 'dumping',
  step: { type: 'dumpDatabase', state: 'started', attempt: 1, heartbeat: beat },
};

describe('progress view', () => {
  it('writes a line a phase where lines cannot be rewritten, and another one after 30 s', () => {
    const { terminal, texts } = terminalOn({});
    let now = 0;
    const view = new ProgressView(terminal, () => now);
    view.show(running);
    view.show(running);
    now = 29_000;
    view.show(running);
    expect(texts.stderr).toBe('[0 ms] dumping the database\n');
    now = 30_000;
    view.show(running);
    expect(texts.stderr).toContain('dumping the database: 50 %');
    expect(texts.stdout).toBe('');
  });

  it('rewrites one line on a terminal, cut to its width', () => {
    const { terminal, texts } = terminalOn({ tty: true });
    const view = new ProgressView(terminal, () => 0);
    view.show({
      ...running,
      step: {
        ...running.step,
        type: 'dumpDatabase',
        state: 'started',
        attempt: 1,
        heartbeat: { ...beat, current: 'c'.repeat(90) },
      },
    });
    const live = texts.stderr.split('\r\u001b[2K').at(-1) ?? '';
    expect(live).toContain('50 %');
    expect(cellWidth(live)).toBe(59);
    terminal.err('next');
    expect(texts.stderr.endsWith('\r\u001b[2Knext\n')).toBe(true);
  });

  it('tells why an attempt failed, once', () => {
    const { terminal, texts } = terminalOn({});
    const view = new ProgressView(terminal, () => 0);
    const lastFailure = { code: 'HF-MONGO-001', message: 'no connection' };
    const failing: Status = {
      ...running,
      step: { type: 'dumpDatabase', state: 'scheduled', attempt: 2, lastFailure },
    };
    view.show(failing);
    view.show(failing);
    expect(texts.stderr.match(/attempt 2 after: \[HF-MONGO-001\] no connection/g)).toHaveLength(1);
  });

  it('writes JSON Lines on stdout, a line only when something changed', () => {
    const { terminal, texts } = terminalOn({ json: true });
    const view = new ProgressView(terminal, () => 0);
    view.show(running);
    view.show(running);
    const lines = texts.stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ type: 'status', v: 1, phase: 'dumping' });
    expect(texts.stderr).toBe('');
  });
});

describe('terminal', () => {
  it('has colours on a terminal, where NO_COLOR and CI are not set, and where they are forced', () => {
    const colored = (flags: Parameters<typeof terminalOn>[0]) =>
      terminalOn(flags).terminal.style('red', 'x') !== 'x';
    expect(colored({ tty: true })).toBe(true);
    expect(colored({ tty: true, color: 'NO_COLOR' })).toBe(false);
    expect(colored({ tty: true, color: 'CI' })).toBe(false);
    expect(colored({})).toBe(false);
    expect(colored({ color: 'FORCE_COLOR' })).toBe(true);
    expect(colored({ tty: true, color: 'FORCE_COLOR', value: '0' })).toBe(false);
  });

  it('asks only where both ends are a terminal and stdout is not JSON', () => {
    expect(terminalOn({ tty: true }).terminal.interactive).toBe(true);
    expect(terminalOn({ tty: true, json: true }).terminal.interactive).toBe(false);
    expect(terminalOn({}).terminal.interactive).toBe(false);
  });
});

describe('reports', () => {
  const preflight = {
    v: 1,
    backupId: 'b',
    checks: [{ name: 'disk', verdict: 'warn', text: 'little is free' }],
    collections: 3,
    documents: 1000,
    bytes: 2048,
    files: 4,
  } as const;

  it('shows what a restore would do and every check', () => {
    expect(renderPreflight(preflight)).toEqual([
      'Restore of backup b: 3 collections, 1,000 documents, 2.0 KiB, 4 files',
      '',
      'CHECK  VERDICT',
      'disk   warn     little is free',
      '',
    ]);
  });

  it('shows the checks in a narrow terminal, names with control characters escaped', () => {
    const text = 'collection juju.\u001b[2Jodd holds 12 documents of more than 16 MiB';
    const checks = [{ name: 'collections', verdict: 'refuse', text }] as const;
    expect(renderPreflight({ ...preflight, checks }, 60).slice(2)).toEqual([
      'CHECK        VERDICT',
      String.raw`collections  refuse   collection juju.\u{1b}[2Jodd holds 12`,
      '                      documents of more than 16 MiB',
      '',
    ]);
  });

  it('says that a plan changed nothing, and of a restore how long the controller was away', () => {
    const report = {
      v: 1,
      kind: 'restore',
      backupId: 'b',
      collections: 3,
      documents: 1000,
      oplogEntries: 5,
      files: 4,
      duration: 60_000,
    } as const;
    expect(renderRestore({ ...report, outcome: 'planned', preflight }).at(-1)).toBe(
      'Nothing was changed: this was a plan.',
    );
    expect(renderRestore({ ...report, outcome: 'restored', downtime: 2_500 })).toContain(
      'downtime: 2.5 s',
    );
  });
});
