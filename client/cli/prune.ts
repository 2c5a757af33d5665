import { hasRules, type KeepRules, type PruneDecision } from '../../catalog/retention';
import { parseDuration } from '../../core/durations';
import type { PruneReport } from '../../core/messages';
import { formatSize } from '../../core/sizes';
import { renderTable } from '../render/table';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showPrune } from './show-report';
import type { Terminal } from './terminal';

/** `holdfast prune`: shows the plan; with --yes it is carried out. */
export const prune: CommandRun = (context, input) => {
  const rules = rulesOf(input);
  const { terminal } = context;
  return withClient(
    context,
    async (client) => {
      if (!hasOption(input, 'yes')) {
        const plan = await client.planPrune(rules);
        if (terminal.json) terminal.outJson({ v: 1, dryRun: true, plan });
        else showPlan(terminal, plan);
        return 0;
      }
      const handle = await client.startPrune({ rules, wait: hasOption(input, 'wait') });
      const show = (report: PruneReport): number => showPrune(terminal, report);
      return conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
    },
    textOption(input, 'storage'),
  );
};

/** Each backup with what would become of it, and why. */
export function showPlan(terminal: Terminal, plan: readonly PruneDecision[]): void {
  const going = plan.filter(({ action }) => action !== 'keep');
  if (terminal.quiet) {
    going.forEach(({ id }) => terminal.out(id));
    return;
  }
  const columns = [
    { title: 'ID' },
    { title: 'ACTION' },
    { title: 'SIZE', align: 'right' },
    { title: 'WHY', flexible: true },
  ] as const;
  const rows = plan.map(({ id, action, size, reasons }) => [
    id,
    action,
    formatSize(size),
    reasons.join(', '),
  ]);
  renderTable(columns, rows, terminal.width).forEach((line) => terminal.out(line));
  const freed = going.reduce((sum, { size }) => sum + size, 0);
  terminal.note(
    `nothing was changed: ${going.length} of ${plan.length} would go, ${formatSize(freed)}; pass --yes to do it`,
  );
}

const counts = ['last', 'daily', 'weekly', 'monthly', 'yearly'] as const;

function rulesOf(input: CommandInput): KeepRules {
  const given = counts.flatMap((rule) => {
    const text = textOption(input, `keep-${rule}`);
    if (text === undefined) return [];
    if (!/^\d{1,6}$/.test(text)) {
      throw usageError(`--keep-${rule} takes a number, not ${text}`, 'prune');
    }
    return [[rule, Number(text)] as const];
  });
  const age = textOption(input, 'older-than');
  const olderThan = age === undefined ? undefined : parseDuration(age);
  if (age !== undefined && olderThan === undefined) {
    throw usageError(`--older-than takes a time such as 30d, not ${age}`, 'prune');
  }
  const rules: KeepRules = {
    ...Object.fromEntries(given),
    ...(olderThan === undefined ? {} : { olderThan }),
  };
  if (!hasRules(rules)) {
    throw usageError('say what to keep: pass a --keep option or --older-than', 'prune');
  }
  return rules;
}
