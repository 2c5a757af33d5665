import { CancellationScope } from '@temporalio/workflow';
import type {
  PreflightReport,
  RestoreCollectionsInput,
  RestoreCollectionsReport,
} from '../core/messages';
import type { OperationRef } from '../core/operation';
import { formatSize } from '../core/sizes';
import type { FetchSummary, LoadSummary } from '../activities/steps';
import { ConfirmationGate } from './confirmation';
import { throwIfCancelled } from './failure';
import { HostRunner, runInfo } from './host-steps';
import { OperationState } from './operation-state';
import { loadInPlace, sumOf } from './in-place';
import { RestoreFrame } from './restore-frame';
import { inspected, loadedText, refuseOn } from './restore-report';
import { count, timeText } from './story';

/**
 * Restores some collections, of a backup or of a dump, while the agents run: they are loaded beside
 * everything that is there, proven, and then get their names. Agents, files, users and all other
 * collections are never touched. A failure or cancel leaves everything as it was.
 */
export async function restoreCollections(
  input: RestoreCollectionsInput,
): Promise<RestoreCollectionsReport> {
  const state = new OperationState({
    ...input,
    kind: 'restoreCollections',
    ...('dump' in input.source ? { dump: input.source.dump } : {}),
  });
  const host = new HostRunner(input.placement.host, input.limits, state);
  try {
    return await new CollectionsRun(input, state, host).run();
  } catch (error) {
    state.giveUp(error);
    throw error;
  }
}

class CollectionsRun {
  readonly #started = Date.now();
  readonly #frame: RestoreFrame;
  readonly #gate: ConfirmationGate;

  constructor(
    private readonly input: RestoreCollectionsInput,
    private readonly state: OperationState,
    private readonly host: HostRunner,
  ) {
    const undoSummary = 'remove what was loaded';
    this.#frame = new RestoreFrame({ kind: 'restoreCollections', state, host, undoSummary });
    this.#gate = new ConfirmationGate(state, input.limits.confirmWait);
  }

  async run(): Promise<RestoreCollectionsReport> {
    const ref = await this.#frame.prepare(() => this.#prepare());
    return await this.#frame.run(ref, () => this.#restore(ref));
  }

  async #prepare(): Promise<OperationRef> {
    const { source } = this.input;
    let backupId: string | undefined;
    if ('backup' in source) {
      this.state.enter('locating');
      const located = await this.host.run('locateBackup', [this.input, source.backup], {
        summary: 'find the backup',
        attempt: 600_000,
      });
      backupId = located.backupId;
      this.state.concerns(backupId);
      this.state.counted(`${located.archive.name}, ${formatSize(located.archive.size)}`);
    }
    return await this.host.run('prepareCollections', [this.input, runInfo(), backupId], {
      summary: 'check the host',
      attempt: 600_000,
    });
  }

  async #restore(ref: OperationRef): Promise<RestoreCollectionsReport> {
    const { host, state, input } = this;
    state.enter('fetching');
    const fetched = await host.run('fetchCollections', [ref], {
      summary: 'fetch what was chosen',
    });
    state.counted(fetchedText(fetched));
    state.enter('inspecting');
    const proven = await host.run('inspectCollections', [ref], {
      summary: 'prove every byte of it',
    });
    state.counted(inspected(proven));
    state.enter('preflight');
    const preflight = await host.run('preflightCollections', [ref], {
      summary: 'check what could go wrong',
      attempt: 600_000,
    });
    state.checked(preflight);
    state.counted(`${preflight.checks.length} checks`);
    if (input.planOnly) return await this.#planned(ref, preflight, fetched);
    refuseOn(preflight);
    if (!input.confirmed) await this.#gate.pass(ref.backupId);
    this.#frame.began = true;
    state.enter('beginning');
    const { compensated } = await host.run('beginRestore', [ref, input], {
      summary: 'write the journal and take the lease',
      attempt: 600_000,
    });
    state.enter('loading');
    const loaded = await host.run('loadCollections', [ref], {
      summary: 'load the data beside what is there',
    });
    state.counted(loadedText(loaded));
    throwIfCancelled();
    const { replaced, inPlace } = await CancellationScope.nonCancellable(() => this.#swap(ref));
    const report: RestoreCollectionsReport = {
      ...this.#reportOf(ref, preflight, fetched, sumOf(loaded, inPlace)),
      outcome: 'restored',
      replaced: replaced + (inPlace?.collections ?? 0),
      ...(compensated === undefined ? {} : { compensated }),
      duration: Date.now() - this.#started,
    };
    state.end('restored', describe(report));
    return report;
  }

  /** From the first rename to the end: moments, but for what is loaded in place. The host is waited for without limit. */
  async #swap(ref: OperationRef): Promise<{ replaced: number; inPlace?: LoadSummary }> {
    const { host, state } = this;
    host.patience = undefined;
    state.passNoReturn();
    state.enter('swapping');
    const { replaced } = await this.#frame.cancellation.reversible(() =>
      host.run('swapCollections', [ref], { summary: 'give the collections their names' }),
    );
    const inPlace = await loadInPlace(ref, host, state);
    state.enter('cleaning-up');
    await host.run('finishRestore', [ref, this.input.keepOld], {
      summary: 'remove what was replaced',
    });
    return { replaced, ...(inPlace === undefined ? {} : { inPlace }) };
  }

  async #planned(
    ref: OperationRef,
    preflight: PreflightReport,
    fetched: FetchSummary,
  ): Promise<RestoreCollectionsReport> {
    await this.host.run('discardRun', [ref], { summary: 'clear the workspace' });
    this.state.end('planned', `Nothing was changed. ${preflight.checks.length} checks made.`);
    return this.#reportOf(ref, preflight, fetched, {
      collections: 0,
      documents: 0,
      oplogEntries: 0,
    });
  }

  #reportOf(
    ref: OperationRef,
    preflight: PreflightReport,
    { read, archiveSize }: FetchSummary,
    { collections, documents, oplogEntries }: LoadSummary,
  ): RestoreCollectionsReport {
    return {
      v: 1,
      kind: 'restoreCollections',
      outcome: 'planned',
      backupId: ref.backupId,
      preflight,
      collections,
      documents,
      oplogEntries,
      replaced: 0,
      read,
      ...(archiveSize === undefined ? {} : { archiveSize }),
      duration: Date.now() - this.#started,
    };
  }
}

function fetchedText({ read, archiveSize }: FetchSummary): string {
  return archiveSize === undefined
    ? formatSize(read)
    : `${formatSize(read)} of ${formatSize(archiveSize)}`;
}

function describe(report: RestoreCollectionsReport): string {
  return [
    `Collections of \`${report.backupId}\` are **restored**, after ${timeText(report.duration)}.`,
    '',
    `- ${loadedText(report)} replayed`,
    ...(report.replaced === 0 ? [] : [`- ${count(report.replaced)} were replaced`]),
    `- ${fetchedText(report)} read`,
  ].join('\n');
}
