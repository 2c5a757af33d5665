import type { Status } from '../status';
import { phaseTitle, renderProgress } from '../render/progress';
import { fitCells } from '../render/table';
import { formatDuration } from '../render/units';
import type { Terminal } from './terminal';

/** Milliseconds between two lines of progress where no line can be rewritten. */
const lineEvery = 30_000;

/**
 * Shows how an operation goes: JSON Lines on stdout with `--json`; else, on stderr, a line a phase
 * and a live line where the terminal allows, or a line every 30 s.
 */
export class ProgressView {
  #phase: string | undefined;
  #failure = '';
  #json = '';
  #lastLine = 0;

  /** @param now milliseconds of any steady clock. */
  constructor(
    private readonly terminal: Terminal,
    private readonly now: () => number,
  ) {}

  /** Shows a status; what is shown already is not shown again. */
  show(status: Status): void {
    if (this.terminal.json) this.#showJson(status);
    else if (!this.terminal.quiet) this.#showText(status);
  }

  #showJson(status: Status): void {
    const { kind, workflowId, runId, phase, backupId, step } = status;
    const line = JSON.stringify({
      type: 'status',
      v: 1,
      kind,
      workflowId,
      runId,
      phase,
      backupId,
      step,
    });
    if (line === this.#json) return;
    this.#json = line;
    this.terminal.out(line);
  }

  #showText({ phase, step, started }: Status): void {
    const elapsed = formatElapsed(Date.now() - started);
    if (phase !== undefined && phase !== this.#phase) {
      this.#phase = phase;
      this.#lastLine = this.now();
      if (phase !== 'done') this.terminal.note(`[${elapsed}] ${phaseTitle(phase)}`);
    }
    const failure = step?.lastFailure;
    const failed = failure === undefined ? '' : `${step?.type} ${step?.attempt} ${failure.message}`;
    if (failed !== this.#failure) {
      this.#failure = failed;
      if (failure !== undefined) {
        const text = `[${failure.code}] ${failure.message}`;
        this.terminal.note(`[${elapsed}] attempt ${step?.attempt ?? 2} after: ${text}`);
      }
    }
    this.#showProgress(elapsed, phase, renderProgress(step?.heartbeat));
  }

  #showProgress(elapsed: string, phase: string | undefined, progress: string): void {
    if (phase === undefined || phase === 'done') return;
    const line = `[${elapsed}] ${phaseTitle(phase)}${progress === '' ? '' : `: ${progress}`}`;
    if (this.terminal.live) {
      this.terminal.progress(fitCells(line, this.terminal.columns - 1));
    } else if (this.now() - this.#lastLine >= lineEvery) {
      this.#lastLine = this.now();
      this.terminal.note(line);
    }
  }
}

function formatElapsed(milliseconds: number): string {
  return formatDuration(Math.max(0, Math.round(milliseconds / 1_000)) * 1_000);
}
