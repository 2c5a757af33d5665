import type { CancelAnswer } from '../../core/messages';
import type { OperationHandle } from '../holdfast-client';
import { hasOption, type CommandRun } from './command-spec';
import { withClient } from './operation';

/** `holdfast cancel`: says what happens now, and does not wait for it. */
export const cancel: CommandRun = (context, input) => {
  const { terminal } = context;
  return withClient(context, async (client) => {
    const handle = await client.running();
    const answer = await client.cancel(handle, { rollback: hasOption(input, 'rollback') });
    const { workflowId, runId } = handle;
    if (terminal.json) terminal.outJson({ ...answer, workflowId, runId });
    else if (terminal.quiet) terminal.out(answer.will);
    else cancelLines(answer, handle).forEach((line) => terminal.out(line));
    return 0;
  });
};

/** What a cancel brings about, for people. */
export function cancelLines(
  { kind, will }: CancelAnswer,
  { runId }: Pick<OperationHandle, 'runId'>,
): string[] {
  return [willText(kind, will), `See it end with: holdfast watch ${runId}`];
}

function willText(kind: CancelAnswer['kind'], will: CancelAnswer['will']): string {
  switch (will) {
    case 'stopping':
      return `The ${kind} stops now, and what it had begun is undone.`;
    case 'finishing':
      return `The ${kind} is being committed: it is finished, and stays.`;
    case 'rolling-back':
      return `The ${kind} goes back to the exact state before.`;
    default:
      throw new TypeError(`answer ${String(will satisfies never)}`);
  }
}
