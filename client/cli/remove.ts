import type { PruneReport } from '../../core/messages';
import type { HoldfastClient } from '../holdfast-client';
import type { PruneOptions } from '../stored-operations';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import type { CommandContext } from './context';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showPrune } from './show-report';

/** `holdfast remove ID...` or `holdfast remove --keep-latest`. */
export const remove: CommandRun = (context, input) => {
  const { terminal } = context;
  const ids = idsOf(input);
  const asked = !hasOption(input, 'yes');
  if (asked && !terminal.interactive) {
    throw usageError(
      'a removal asks first, but there is no terminal to ask on: pass --yes',
      'remove',
    );
  }
  return withClient(
    context,
    async (client) => {
      const { what, going } = await chosen(client, ids);
      if (going.length === 0) {
        terminal.note('nothing is to be removed');
        return 0;
      }
      if (asked && !(await agreed(context, going))) return 1;
      const handle = await client.startPrune({ ...what, wait: hasOption(input, 'wait') });
      const show = (report: PruneReport): number => showPrune(terminal, report);
      return conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
    },
    textOption(input, 'storage'),
  );
};

/** @returns undefined for --keep-latest */
function idsOf(input: CommandInput): readonly string[] | undefined {
  const ids = input.arguments.flatMap((id) => id ?? []);
  if (hasOption(input, 'keep-latest')) {
    if (ids.length === 0) return undefined;
    throw usageError('ID and --keep-latest exclude each other', 'remove');
  }
  if (ids.length === 0)
    throw usageError('name backups by their ID, or pass --keep-latest', 'remove');
  return ids;
}

/** What is started, and the ids that go by it as things are now. */
async function chosen(
  client: HoldfastClient,
  ids: readonly string[] | undefined,
): Promise<{ readonly what: PruneOptions; readonly going: readonly string[] }> {
  if (ids === undefined) {
    const rules = { last: 1 };
    const plan = await client.planPrune(rules);
    return {
      what: { rules },
      going: plan.flatMap(({ id, action }) => (action === 'keep' ? [] : id)),
    };
  }
  const going = (await client.removable(ids)).map(({ id }) => id);
  return { what: { ids: going }, going };
}

async function agreed({ terminal }: CommandContext, going: readonly string[]): Promise<boolean> {
  const [first = ''] = going;
  if (going.length === 1)
    return (await terminal.confirm(`Remove ${first}? It is gone then.`)) === true;
  going.forEach((id) => terminal.err(id));
  return (await terminal.confirm(`Remove these ${going.length}? They are gone then.`)) === true;
}
