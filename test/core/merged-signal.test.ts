import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mergedSignal } from '../../core/merged-signal';

it('is aborted with the first of its signals, for its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const merged = mergedSignal(first.signal, second.signal);
  expect(merged.aborted).toBe(false);
  const reason = new Error('enough');
  second.abort(reason);
  expect(merged.reason).toBe(reason);
});

it('takes any number of listeners without a word of a leak', async () => {
  // A process of its own: what Node.js warns of does not reach a test's.
  const program = `
    const { mergedSignal } = require('./dist/core/merged-signal');
    const merged = mergedSignal(new AbortController().signal, new AbortController().signal);
    for (let n = 0; n < 100; n++) merged.addEventListener('abort', () => n);
    setImmediate(() => console.log('done'));`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: join(__dirname, '../..'),
  });
  expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
});
