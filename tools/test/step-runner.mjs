import { spawn } from 'node:child_process';

/** Runs one step after the other in a directory, says each one's name and seconds on stdout. */
export class StepRunner {
  #directory;

  /**
   * @param {string} directory
   * @param {NodeJS.ProcessEnv} env copied; what a step finds out for later ones is put into `env` here
   */
  constructor(directory, env) {
    this.#directory = directory;
    this.env = { ...env };
  }

  /**
   * @param {string} name
   * @param {string} command
   * @param {string[]} args
   * @returns {Promise<boolean>} whether it exited with status 0
   */
  async step(name, command, args) {
    return (await this.#timed(name, () => this.#run(command, args, 'inherit'))) !== undefined;
  }

  /**
   * @param {string} name
   * @param {string} command
   * @param {string[]} args
   * @returns {Promise<string | undefined>} what it wrote to stdout; nothing when it failed
   */
  async stepWithOutput(name, command, args) {
    return this.#timed(name, () => this.#run(command, args, 'pipe'));
  }

  /**
   * @param {string} name
   * @param {() => Promise<string | undefined>} work nothing as its result means failure
   */
  async #timed(name, work) {
    process.stdout.write(`== ${name}\n`);
    const begun = performance.now();
    const result = await work();
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    process.stdout.write(`== ${name}: ${result === undefined ? 'FAILED' : 'ok'} in ${seconds} s\n`);
    return result;
  }

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {'inherit' | 'pipe'} stdout
   * @returns {Promise<string | undefined>} its stdout when that is a pipe, else ''; nothing on failure
   */
  #run(command, args, stdout) {
    return new Promise((resolve) => {
      const child = spawn(command, args, {
        cwd: this.#directory,
        env: this.env,
        stdio: ['ignore', stdout, 'inherit'],
      });
      let said = '';
      child.stdout?.setEncoding('utf8').on('data', (text) => (said += text));
      // A step that is told to stop ends by itself and fails, and with it the run.
      const pass = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
      const stopPassing = () => process.off('SIGINT', pass).off('SIGTERM', pass);
      process.on('SIGINT', pass).on('SIGTERM', pass);
      child.once('error', (error) => {
        stopPassing();
        process.stderr.write(`${command}: ${error.message}\n`);
        resolve(undefined);
      });
      child.once('close', (code) => {
        stopPassing();
        resolve(code === 0 ? said : undefined);
      });
    });
  }
}
