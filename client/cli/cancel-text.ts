import type { CancelAnswer } from '../../core/messages';
import { kindText } from '../../core/operation';
import type { OperationHandle } from '../operation-handle';

/** What a cancel brings about, for people. */
export function cancelLines(
  { kind, will }: CancelAnswer,
  { runId }: Pick<OperationHandle, 'runId'>,
): string[] {
  return [willText(kind, will), `See it end with: holdfast watch ${runId}`];
}

function willText(kind: CancelAnswer['kind'], will: CancelAnswer['will']): string {
  const name = kindText(kind);
  switch (will) {
    case 'stopping':
      return stoppingText(kind);
    case 'finishing':
      return `The ${name} is being committed: it is finished, and stays.`;
    case 'rolling-back':
      return `The ${name} goes back to the exact state before.`;
    default:
      throw new TypeError(`answer ${String(will satisfies never)}`);
  }
}

function stoppingText(kind: CancelAnswer['kind']): string {
  const name = kindText(kind);
  switch (kind) {
    case 'verify':
      return `The ${name} stops now; it changes nothing.`;
    case 'verifyAll':
      return `The ${name} stops now; what it has found by now stays written down.`;
    case 'prune':
      return `The ${name} stops now; what it has removed by now is gone.`;
    case 'backup':
    case 'copy':
    case 'restore':
    case 'restoreCollections':
      return `The ${name} stops now, and what it had begun is undone.`;
    default:
      throw new TypeError(`kind ${String(kind satisfies never)}`);
  }
}
