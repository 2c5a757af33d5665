import { humanLine, logFormat } from '../../worker/log-line';

const base = { level: 30, time: '2026-01-02T03:04:05.678Z', pid: 7, name: 'holdfast-host' };
const line = (fields: object): string => `${JSON.stringify({ ...base, ...fields })}\n`;

describe('the format of a log', () => {
  it.each([
    [{}, true, 'coloured text'],
    [{}, false, 'json'],
    [{ NO_COLOR: '1' }, true, 'text'],
    [{ TERM: 'dumb' }, true, 'text'],
    [{ HOLDFAST_LOG_FORMAT: 'json' }, true, 'json'],
    [{ HOLDFAST_LOG_FORMAT: 'text' }, false, 'text'],
  ])('with %j, on a terminal: %s, is %s', (variables, terminal, format) => {
    expect(logFormat(variables, terminal)).toBe(format);
  });
});

describe('a log line for people', () => {
  it('has time, worker, message and what else is worth knowing', () => {
    const told = { msg: 'dumpDatabase began', phase: 'dumping', attempt: 2, taskToken: 'x' };
    expect(humanLine(line(told), false)).toBe(
      '03:04:05 host dumpDatabase began phase=dumping attempt=2\n',
    );
  });

  it('tells level, code and reason of what failed, and the stack of an error', () => {
    const told = { level: 50, msg: 'it failed', code: 'HF-DISK-001', reason: '/srv is full' };
    const err = { stack: 'Error: odd\n    at a (b.js:1:2)' };
    expect(humanLine(line({ ...told, err }), false)).toBe(
      '03:04:05 host ERROR it failed: [HF-DISK-001] /srv is full\n    Error: odd\n      at a (b.js:1:2)\n',
    );
  });

  it('lets nothing through that a terminal would obey', () => {
    const told = { msg: 'a\u001b[2Jb', path: '/x\u0007 y', reason: '', err: { stack: 'c\u009bd' } };
    expect(humanLine(line(told), false)).toBe(
      String.raw`03:04:05 host a\u{1b}[2Jb path="/x\u0007 y"` +
        '\n' +
        String.raw`    c\u{9b}d` +
        '\n',
    );
  });

  it('passes on what is no JSON', () => {
    expect(humanLine('plain\n', true)).toBe('plain\n');
  });
});
