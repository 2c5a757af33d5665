import { errorText, HoldfastError, isHoldfastError } from '../../core/errors';
import type { Terminal } from './terminal';

/**
 * Says an error as the command line does: `error: [CODE] message` and `hint: …` on stderr, or one
 * JSON object there with `--json`.
 * @returns the exit status that belongs to it.
 */
export function reportError(terminal: Terminal, error: unknown): number {
  const { code, message, hint, exit } = known(error);
  if (terminal.json) {
    terminal.err(JSON.stringify({ type: 'error', v: 1, code, message, hint, exit }));
  } else {
    terminal.err(`${terminal.style('red', 'error:')} [${code}] ${message}`);
    terminal.err(`${terminal.style('bold', 'hint:')} ${hint}`);
  }
  return exit;
}

function known(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  return new HoldfastError('HF-INTERNAL-001', { reason: errorText(error) }, { cause: error });
}

/** A wrong command line. `command` is what `--help` is to be asked of. */
export function usageError(problem: string, command: string): HoldfastError {
  return new HoldfastError('HF-USAGE-001', { problem, command: `holdfast ${command}`.trim() });
}
