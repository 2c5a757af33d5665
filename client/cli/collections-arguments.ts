import { resolve } from 'node:path';
import type { CollectionChoice } from '../../core/messages';
import { choiceProblem } from '../../core/namespace-selection';
import { parseOplogMoment, type OplogMoment } from '../../core/oplog-limit';
import { hasOption, textOption, textOptions, type CommandInput } from './command-spec';
import { usageError } from './report-error';

/** What was asked for when a restore is of collections. */
export interface CollectionsAsked {
  /** Absolute path of a dump; undefined for a backup. */
  readonly dump: string | undefined;
  readonly choice: CollectionChoice;
  readonly replace: boolean;
  readonly inPlace: boolean;
}

/**
 * What the options say about collections; undefined when the whole controller is to be restored.
 * @throws HoldfastError HF-USAGE-001
 */
export function collectionsAsked(input: CommandInput): CollectionsAsked | undefined {
  const [only, as, dump] = [
    textOption(input, 'only'),
    textOption(input, 'as'),
    textOption(input, 'from-dump'),
  ];
  const include = textOptions(input, 'include');
  const exclude = textOptions(input, 'exclude');
  const [replace, inPlace] = [hasOption(input, 'replace'), hasOption(input, 'in-place')];
  const some = only !== undefined || include.length > 0 || exclude.length > 0;
  if (as !== undefined && only === undefined) {
    throw usageError('--as renames what --only names: pass both', 'restore');
  }
  if (only !== undefined && include.length > 0) {
    throw usageError('--only and --include exclude each other', 'restore');
  }
  if (!some && dump === undefined) {
    if (!replace && !inPlace) return undefined;
    throw usageError(
      `--${replace ? 'replace' : 'in-place'} is for --only, --include, --exclude or --from-dump`,
      'restore',
    );
  }
  const choice: CollectionChoice = {
    include: only === undefined ? include : [only],
    exclude,
    ...(only === undefined || as === undefined ? {} : { rename: { from: only, to: as } }),
  };
  const problem = choiceProblem(choice);
  if (problem !== undefined) throw usageError(problem, 'restore');
  return { dump: dump === undefined ? undefined : resolve(dump), choice, replace, inPlace };
}

/** @throws HoldfastError HF-USAGE-001 */
export function oplogLimitAsked(input: CommandInput): OplogMoment | undefined {
  const text = textOption(input, 'oplog-limit');
  if (text === undefined) return undefined;
  const moment = parseOplogMoment(text);
  if (moment !== undefined) return moment;
  throw usageError(
    `--oplog-limit takes SECONDS[:ORDINAL], such as 1700000000:1, not ${text}`,
    'restore',
  );
}
