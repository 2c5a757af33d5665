import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and collects what it says. A program that exits with an error is an
 * answer, not an exception.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {object} [options]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {string} [options.cwd]
 * @param {number} [options.timeout] milliseconds, after which the program is killed
 * @param {AbortSignal} [options.signal] stops the program
 * @param {NodeJS.Signals} [options.killSignal] how `signal` stops it. Default SIGINT, as Ctrl-C would:
 *   go stops its compilers on it, and leaves them running on SIGTERM.
 * @returns {Promise<{code: number | null, stdout: string, stderr: string, timedOut: boolean}>}
 * @throws when the program can't be started, or, once it has ended, when `signal` aborts
 */
export function run(file, args, { env, cwd, timeout = 0, signal, killSignal = 'SIGINT' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env,
      cwd,
      signal,
      killSignal,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    let timedOut = false;
    const clock = timeout > 0 ? setTimeout(giveUp, timeout) : undefined;

    function giveUp() {
      timedOut = true;
      child.kill('SIGKILL');
    }
    for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
      child[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text));
    }
    /** @type {Error | undefined} */
    let failure;
    child.once('error', (error) => (failure = error));
    // After an abort too the end is waited for: until then the program may write files.
    child.once('close', (code) => {
      clearTimeout(clock);
      if (failure === undefined) resolve({ code, ...said, timedOut });
      else reject(failure);
    });
  });
}

/**
 * The line that tells best why a program failed: its last one that speaks of an error, else its last.
 *
 * @param {{stdout: string, stderr: string, code: number | null, timedOut: boolean}} result
 * @returns {string} one line of at most 300 characters
 */
export function reasonOf({ stdout, stderr, code, timedOut }) {
  if (timedOut) return 'took too long and was stopped';
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  const spoken = lines.filter((line) => line !== '');
  const line =
    spoken.findLast((text) => /error|cannot|can't|fail|refus|denied|not found/i.test(text)) ??
    spoken.at(-1);
  return (line ?? `exit status ${code}`).slice(0, 300);
}
