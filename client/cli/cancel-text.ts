import type { CancelAnswer } from '../../core/messages';
import { kindText } from '../../core/operation';
import type { OperationHandle } from '../operation-handle';

/** What a cancel brings about, for people. */
export function cancelLines(
  { kind, will }: CancelAnswer,
  { runId }: Pick<OperationHandle, 'runId'>,
): string[] {
  return [willText(kindText(kind), will), `See it end with: holdfast watch ${runId}`];
}

function willText(kind: string, will: CancelAnswer['will']): string {
  switch (will) {
    case 'stopping':
      return kind === 'verify'
        ? 'The verify stops now; it changes nothing.'
        : `The ${kind} stops now, and what it had begun is undone.`;
    case 'finishing':
      return `The ${kind} is being committed: it is finished, and stays.`;
    case 'rolling-back':
      return `The ${kind} goes back to the exact state before.`;
    default:
      throw new TypeError(`answer ${String(will satisfies never)}`);
  }
}
