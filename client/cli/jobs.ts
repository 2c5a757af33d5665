import { isHoldfastError } from '../../core/errors';
import { quoteName } from '../../core/ids';
import { kindText } from '../../core/operation';
import type { HoldfastClient } from '../holdfast-client';
import type { Interrupted } from '../interrupted';
import { phaseTitle, renderProgress } from '../render/progress';
import { renderTable } from '../render/table';
import { formatDuration, formatTime } from '../render/units';
import type { Status } from '../status';
import type { CommandRun } from './command-spec';
import type { CommandContext } from './context';
import { withClient } from './operation';

/** `holdfast jobs`. What the journal says is told even where Temporal is away. */
export const jobs: CommandRun = (context) => {
  const { terminal, environment } = context;
  return withClient(context, async (client) => {
    const journal = await client.journal().catch((error: unknown) => {
      if (isDenied(error)) return undefined;
      throw error;
    });
    const statuses = await listed(context, client, journal);
    const interrupted = statuses.some((status) => worksOn(status, journal)) ? undefined : journal;
    if (terminal.json) {
      terminal.outJson({ v: 1, jobs: statuses, interrupted: interrupted ?? null });
      return 0;
    }
    if (terminal.quiet) statuses.forEach(({ runId }) => terminal.out(runId));
    else if (statuses.length === 0) terminal.note('no operation runs, and none is remembered');
    else
      renderJobs(statuses, environment.now(), terminal.width).forEach((line) => terminal.out(line));
    if (interrupted !== undefined) interruptedLines(interrupted).forEach((l) => terminal.err(l));
    return 0;
  });
};

async function listed(
  { terminal }: CommandContext,
  client: HoldfastClient,
  journal: Interrupted | undefined,
): Promise<readonly Status[]> {
  try {
    return await client.jobs();
  } catch (error) {
    const away = isHoldfastError(error, 'HF-TEMPORAL-001');
    if (away && journal !== undefined && !terminal.json) {
      interruptedLines(journal).forEach((line) => terminal.err(line));
    }
    throw error;
  }
}

/** A restore that resumes another run's has the same workflow id. */
function worksOn(status: Status, journal: Interrupted | undefined): boolean {
  return status.state === 'running' && status.workflowId === journal?.workflowId;
}

/** Only root can read the workspace; what Temporal knows may be of use to others too. */
function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EACCES';
}

/** @param now milliseconds since the epoch. @param width cells. */
export function renderJobs(statuses: readonly Status[], now: number, width: number): string[] {
  const columns = [
    { title: 'RUN' },
    { title: 'KIND' },
    { title: 'STARTED' },
    { title: 'TOOK', align: 'right' },
    { title: 'STATE', flexible: true },
    { title: 'BACKUP' },
  ] as const;
  const row = (status: Status): string[] => [
    status.runId,
    kindText(status.kind),
    formatTime(status.started),
    formatDuration((status.closed ?? now) - status.started),
    stateText(status),
    quoteName(status.backupId ?? ''),
  ];
  return renderTable(columns, statuses.map(row), width);
}

function stateText(status: Status): string {
  const { state, phase, step, outcome, failure } = status;
  if (state === 'running') {
    const progress = renderProgress(step?.heartbeat).split(',')[0] ?? '';
    return [phaseTitle(phase ?? 'not begun yet'), progress].filter(Boolean).join(', ');
  }
  if (state === 'completed') return outcome ?? state;
  return failure === undefined ? state : `${state}, ${failure.code}`;
}

/** What a journal that nobody works on means, and what to do. */
export function interruptedLines(job: Interrupted): string[] {
  const { kind, backupId, runId, state, since, temporal } = job;
  const what = `this host holds an interrupted ${kindText(kind)} of backup ${quoteName(backupId)} (run ${runId}, begun ${formatTime(since)}, Temporal ${quoteName(temporal)})`;
  switch (state) {
    case 'open':
      return [what, 'The next operation on this host undoes what it had begun.'];
    case 'past-no-return':
      return [
        what,
        'Finish it with `holdfast restore --resume`, or go back to the state before it with `holdfast restore --rollback`.',
      ];
    case 'finishing':
      return [what, 'Finish it with `holdfast restore --resume`: there is no way back any more.'];
    default:
      throw new TypeError(`state ${String(state satisfies never)}`);
  }
}
