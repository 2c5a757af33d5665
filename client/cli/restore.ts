import { HoldfastError, isHoldfastError } from '../../core/errors';
import type { BackupChoice, RestoreInput } from '../../core/messages';
import type { OplogMoment } from '../../core/oplog-limit';
import type { HoldfastClient } from '../holdfast-client';
import type { OperationHandle } from '../operation-handle';
import { renderPreflight } from '../render/report';
import type { PreflightReport } from '../../core/messages';
import type { Report, Status } from '../status';
import { resolveBackup } from './backup-argument';
import { collectionsAsked, oplogLimitAsked, type CollectionsAsked } from './collections-arguments';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import type { CommandContext } from './context';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showCollections, showRestore } from './show-report';
import type { Terminal } from './terminal';
import { uploadShown } from './upload';

/** What was asked for, after the command line has been found to make sense. */
interface Asked {
  readonly action: RestoreInput['action'];
  readonly id: string | undefined;
  /** An archive that is added to the storage first. */
  readonly file: string | undefined;
  readonly planOnly: boolean;
  readonly confirmed: boolean;
  readonly oplogLimit: OplogMoment | undefined;
  /** Undefined for a restore of the whole controller. */
  readonly collections: CollectionsAsked | undefined;
}

/** `holdfast restore [ID]`. */
export const restore: CommandRun = (context, input) => {
  const asked = readInput(context, input);
  const { action, planOnly, confirmed, oplogLimit, collections } = asked;
  const common = {
    planOnly,
    confirmed,
    keepOld: hasOption(input, 'keep-old'),
    wait: hasOption(input, 'wait'),
    attach: hasOption(input, 'attach'),
    ...(oplogLimit === undefined ? {} : { oplogLimit }),
  };
  return withClient(
    context,
    async (client) => {
      const conclusion = <R extends Report>(
        handle: OperationHandle<R>,
        show: (report: R) => number,
      ): Promise<number> => {
        const detach = hasOption(input, 'detach');
        if (confirmed || planOnly) return conclude(context, client, handle, show, { detach });
        const onConfirmation = (status: Status) => askToConfirm(context, client, handle, status);
        return conclude(context, client, handle, show, { onConfirmation });
      };
      if (collections === undefined) {
        const backup = await choose(context, client, asked);
        const handle = await client.startRestore({ ...common, action, backup });
        return conclusion(handle, (report) => showRestore(context.terminal, report));
      }
      const { dump, choice, replace, inPlace } = collections;
      const source =
        dump === undefined ? { backup: await choose(context, client, asked) } : { dump };
      const handle = await client.startRestoreCollections({
        ...common,
        source,
        choice,
        replace,
        inPlace,
      });
      return conclusion(handle, (report) => showCollections(context.terminal, report));
    },
    textOption(input, 'storage'),
  );
};

/** @throws HoldfastError HF-USAGE-001, before anything is started. */
function readInput({ terminal }: CommandContext, input: CommandInput): Asked {
  const on = (name: string): boolean => hasOption(input, name);
  const collections = collectionsAsked(input);
  const [id] = input.arguments;
  const dumped = collections?.dump === undefined ? [] : ['--from-dump'];
  const file = textOption(input, 'file');
  const added = file === undefined ? [] : ['--file'];
  const chosen = [id, ...added, ...['latest', 'resume', 'rollback'].filter(on), ...dumped].filter(
    Boolean,
  );
  if (chosen.length === 0) {
    throw usageError('name a backup by its ID, or pass --latest or --file', 'restore');
  }
  if (chosen.length > 1) {
    throw usageError(
      dumped.length === 0
        ? 'ID, --latest, --file, --resume and --rollback exclude each other'
        : 'ID, --latest, --file, --resume, --rollback and --from-dump exclude each other',
      'restore',
    );
  }
  const action = on('resume') ? 'resume' : on('rollback') ? 'rollback' : 'restore';
  const planOnly = on('plan');
  if (planOnly && action !== 'restore') {
    throw usageError(`--plan and --${action} exclude each other`, 'restore');
  }
  const oplogLimit = oplogLimitAsked(input);
  if (action !== 'restore' && (collections !== undefined || oplogLimit !== undefined)) {
    throw usageError(
      `--${action} goes by what the restore was begun with: pass it alone`,
      'restore',
    );
  }
  if (action !== 'restore' && textOption(input, 'storage') !== undefined) {
    throw usageError(
      `--${action} goes by what the restore was begun with: --storage has no place there`,
      'restore',
    );
  }
  // Resume and rollback say themselves what is to happen, and were confirmed when it began. What
  // replaces nothing needs no question.
  const harmless = collections !== undefined && !collections.replace && !collections.inPlace;
  const confirmed = on('yes') || action !== 'restore' || harmless;
  if (!confirmed && !planOnly && !terminal.interactive) {
    throw usageError(
      'a restore replaces live data and asks before it does, but there is no terminal to ask on: pass --yes',
      'restore',
    );
  }
  if (on('detach') && !confirmed && !planOnly) {
    throw usageError('--detach leaves nobody to ask: pass --yes or --plan', 'restore');
  }
  if (on('attach') && (planOnly || action !== 'restore')) {
    throw usageError(
      '--attach follows a restore: it takes neither --plan, --resume nor --rollback',
      'restore',
    );
  }
  return { action, id, file, planOnly, confirmed, oplogLimit, collections };
}

async function choose(
  { terminal }: CommandContext,
  client: HoldfastClient,
  { id, file }: Asked,
): Promise<BackupChoice> {
  if (file !== undefined) return { id: await addedBackup(terminal, client, file) };
  return id === undefined ? { latest: true } : { id: await resolveBackup(client, id) };
}

/** The backup of an archive: the one that was made of this very file before, else a new one. */
async function addedBackup(
  terminal: Terminal,
  client: HoldfastClient,
  file: string,
): Promise<string> {
  try {
    return (await uploadShown(terminal, client, file)).id;
  } catch (error) {
    const id = isHoldfastError(error, 'HF-STORAGE-002') ? String(error.params['name']) : '';
    if (id === '' || !(await client.isUploaded(id, file))) throw error;
    terminal.note(`${file} is in the storage already, as ${id}`);
    return id;
  }
}

function inPlaceText({ checks }: PreflightReport): string {
  return checks.some(({ name }) => name === 'in place')
    ? ' Time series are dropped first: there is no way back.'
    : '';
}

/**
 * Shows what a restore that waits would do, asks, and passes the answer on.
 * @throws HoldfastError HF-CANCEL-001 when the answer was no.
 */
export async function askToConfirm(
  { terminal }: CommandContext,
  client: HoldfastClient,
  handle: OperationHandle,
  { preflight }: Status,
): Promise<void> {
  if (preflight === undefined) return;
  const { backupId } = preflight;
  renderPreflight(preflight, terminal.columns).forEach((line) => terminal.err(line));
  const question =
    handle.kind === 'restoreCollections'
      ? `Restore these collections? Those that exist are replaced by them, all at once.${inPlaceText(preflight)}`
      : `Restore ${backupId}? The live data is replaced by it.`;
  const answer = await terminal.confirm(question);
  await client.confirmRestore(handle, backupId, answer === true ? 'yes' : 'no');
  if (answer !== true) {
    throw new HoldfastError('HF-CANCEL-001', { kind: 'restore', outcome: 'nothing was changed' });
  }
}
