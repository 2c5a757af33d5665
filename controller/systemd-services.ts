import { execFile } from 'node:child_process';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, HoldfastError, isAbort } from '../core/errors';
import { hasCode, isMissing } from './root-path';
import { requireUnitName, type Services, type ServiceState } from './services';

/** What a program left behind when it ended. */
export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with exactly these arguments, without a shell. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
) => Promise<ProgramResult>;

/** `RunProgram` on real processes; output is limited to 1 MiB. A missing program rejects. */
export const runProgram: RunProgram = (program, args, signal) =>
  new Promise((resolve, reject) => {
    const options = { encoding: 'utf8', ...(signal === undefined ? {} : { signal }) } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(error ?? new Error(`${program} gave no status`));
    });
  });

/** Name of the drop-in that stands for a mask where systemd can't mask. */
const dropIn = 'holdfast-mask.conf';
const dropInText = `# A restore by Holdfast is under way: this service must not start before it has ended.
[Unit]
ConditionPathExists=!/
`;

/**
 * Services under systemd, by argv of `systemctl`. A unit whose file lies in /etc/systemd/system
 * itself, as Juju's do, can't be masked by systemctl ("already exists"): it gets a drop-in whose
 * condition is never true, which keeps it from starting just as well, over reboots too.
 */
export class SystemdServices implements Services {
  readonly #run: RunProgram;
  readonly #unitDirectory: string;

  constructor(options: {
    readonly run: RunProgram;
    /** Where drop-ins go; /etc/systemd/system when not given. */
    readonly unitDirectory?: string;
  }) {
    this.#run = options.run;
    this.#unitDirectory = options.unitDirectory ?? '/etc/systemd/system';
  }

  async stop(unit: string, signal?: AbortSignal): Promise<void> {
    await this.#systemctl(unit, 'stopped', ['stop', '--', service(unit)], signal);
  }

  async start(unit: string, signal?: AbortSignal): Promise<void> {
    const { masked } = await this.state(unit, signal);
    // A unit held back by the drop-in "starts" without an error and does not run.
    if (masked) throw failed(unit, 'started', 'it is masked');
    await this.#systemctl(unit, 'started', ['start', '--', service(unit)], signal);
  }

  async mask(unit: string, signal?: AbortSignal): Promise<void> {
    const result = await this.#attempt(unit, 'masked', ['mask', '--', service(unit)], signal);
    if (result.status === 0) return;
    if (!/already exists/.test(result.stderr)) throw failed(unit, 'masked', said(result));
    await this.#changeDropIn(unit, 'masked', async (directory) => {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      await writeFile(join(directory, dropIn), dropInText, { mode: 0o644, flush: true });
    });
    await this.#systemctl(unit, 'masked', ['daemon-reload'], signal);
  }

  async unmask(unit: string, signal?: AbortSignal): Promise<void> {
    let removed = false;
    await this.#changeDropIn(unit, 'unmasked', async (directory) => {
      try {
        await rm(join(directory, dropIn));
        removed = true;
        await rmdir(directory);
      } catch (error) {
        if (!isMissing(error) && !hasCode(error, 'ENOTEMPTY')) throw error;
      }
    });
    if (removed) await this.#systemctl(unit, 'unmasked', ['daemon-reload'], signal);
    await this.#systemctl(unit, 'unmasked', ['unmask', '--', service(unit)], signal);
  }

  async state(unit: string, signal?: AbortSignal): Promise<ServiceState> {
    const properties = 'LoadState,ActiveState,MainPID,DropInPaths';
    const result = await this.#systemctl(
      unit,
      'looked at',
      ['show', `--property=${properties}`, '--', service(unit)],
      signal,
    );
    return parseShow(unit, result.stdout);
  }

  async #changeDropIn(
    unit: string,
    action: string,
    change: (directory: string) => Promise<void>,
  ): Promise<void> {
    try {
      await change(join(this.#unitDirectory, `${service(unit)}.d`));
    } catch (error) {
      throw failed(unit, action, errorText(error), error);
    }
  }

  async #systemctl(
    unit: string,
    action: string,
    args: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ProgramResult> {
    const result = await this.#attempt(unit, action, args, signal);
    if (result.status !== 0) throw failed(unit, action, said(result));
    return result;
  }

  async #attempt(
    unit: string,
    action: string,
    args: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ProgramResult> {
    requireUnitName(unit, action);
    try {
      return await this.#run('systemctl', args, signal);
    } catch (error) {
      if (isAbort(error)) throw error;
      throw failed(unit, action, errorText(error), error);
    }
  }
}

/** Reads the `Key=value` lines of `systemctl show`. */
function parseShow(unit: string, output: string): ServiceState {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const load = values.get('LoadState');
  const activity = values.get('ActiveState');
  if (load === undefined || activity === undefined) {
    throw failed(unit, 'looked at', 'systemctl show answered without LoadState or ActiveState');
  }
  if (load === 'not-found') throw failed(unit, 'looked at', 'systemd does not know it');
  const pid = Number(values.get('MainPID') ?? '0');
  return {
    active: ['active', 'activating', 'reloading', 'deactivating'].includes(activity),
    masked: load === 'masked' || (values.get('DropInPaths') ?? '').includes(`/${dropIn}`),
    ...(Number.isInteger(pid) && pid > 0 ? { pid } : {}),
  };
}

function service(unit: string): string {
  return /\.(service|socket|timer|target)$/.test(unit) ? unit : `${unit}.service`;
}

function said(result: ProgramResult): string {
  const words = (result.stderr || result.stdout).trim().split('\n').slice(-3).join('; ');
  return words === '' ? `systemctl exited with ${result.status}` : words;
}

function failed(unit: string, action: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-SERVICE-001', { service: unit, action, reason }, { cause });
}
