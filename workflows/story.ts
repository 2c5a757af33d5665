import { formatDuration } from '../core/durations';
import { fitBytes, utf8Length } from '../core/fit-bytes';
import { kindText } from '../core/operation';
import type { FailureDetail, Phase, PreflightReport, WorkflowStatus } from '../core/messages';

/** Temporal's Web UI takes details of 20,000 bytes; the payload around them has its part. */
const detailsLimit = 19_000;
/** Older rows and failures than these are only counted: a host that comes and goes makes many. */
const shownPhases = 40;
const shownFailures = 5;
const messageLimit = 2_000;
const notesLimit = 500;

/** What an operation is about, as people call it. */
export interface Subject {
  readonly kind: WorkflowStatus['kind'];
  /** Controller model UUID. */
  readonly controller: string;
  readonly controllerName?: string;
  /** Machine tag. */
  readonly machine: string;
  readonly storage: string;
  /** Name of the storage that a copy is written to. */
  readonly to?: string;
  /** Path of a dump that takes the place of a backup. */
  readonly dump?: string;
  readonly notes?: string;
}

/** One phase; it lasts until the next begins. Milliseconds since the epoch. */
export interface PassedPhase {
  readonly phase: Phase;
  readonly began: number;
  readonly ended?: number;
  /** What it counted, such as `37 collections`. */
  readonly result?: string;
}

/** A step, or the operation itself, that failed for good. */
export interface FailureTold {
  /** What was being done, as the step's summary says it; absent for the operation itself. */
  readonly doing?: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Everything the details of an operation are made of. */
export interface Story {
  readonly subject: Subject;
  readonly backupId: string | undefined;
  readonly phases: readonly PassedPhase[];
  /** Phases that came before the first of `phases` and are no longer kept. */
  readonly forgotten: number;
  readonly failures: readonly FailureTold[];
  /** What the operation waits for and what to do about it. */
  readonly waiting: string | undefined;
  readonly preflight: PreflightReport | undefined;
  readonly pastNoReturn: boolean;
  /** How it ended. */
  readonly end: { readonly outcome: string; readonly report: string } | undefined;
}

/**
 * The details of an operation for the Web UI: what is being done, how far it is, what went wrong and
 * what to do. Markdown of at most 19,000 bytes.
 */
export function tellStory(story: Story): string {
  const parts = [
    heading(story),
    ...(story.end === undefined ? standing(story) : [story.end.report]),
    ...failures(story.failures),
    phaseTable(story),
    ...checks(story.preflight),
  ];
  return fitLines(parts.join('\n\n'), detailsLimit);
}

/** Keeps the latest phases only, and says how many that left out. */
export function latestPhases(phases: readonly PassedPhase[]): {
  readonly kept: readonly PassedPhase[];
  readonly dropped: number;
} {
  const dropped = Math.max(0, phases.length - shownPhases);
  return { kept: phases.slice(dropped), dropped };
}

/** Whether a detail of a failure is what Holdfast's own failures carry. */
export function isFailureDetail(value: unknown): value is FailureDetail {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'code' in value &&
    typeof value.code === 'string' &&
    'hint' in value &&
    typeof value.hint === 'string'
  );
}

/** A duration for people, from milliseconds: tenths of a second below a minute. */
export function timeText(milliseconds: number): string {
  if (milliseconds < 59_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return formatDuration(Math.round(milliseconds / 1_000) * 1_000);
}

/** 12,345 */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function heading({ subject, backupId }: Story): string {
  const { kind, controller, controllerName, machine, storage, to, dump, notes } = subject;
  const name = controllerName === undefined ? '' : `**${plain(controllerName)}** `;
  const way = kind === 'backup' ? 'into' : 'from';
  const target = to === undefined ? '' : ` into storage \`${code(to)}\``;
  const place =
    dump === undefined ? `storage \`${code(storage)}\`${target}` : `dump \`${code(dump)}\``;
  const lines = [
    `**${kindText(kind)}** of controller ${name}\`${code(controller)}\`, ${plain(machine)}, ${way} ${place}`,
    ...(dump === undefined
      ? [`Backup: ${backupId === undefined ? 'not chosen yet' : `\`${code(backupId)}\``}`]
      : []),
  ];
  if (notes !== undefined && notes !== '') {
    lines.push(`Notes: ${plain(fitBytes(notes, notesLimit))}`);
  }
  return lines.join('\n\n');
}

function standing({ phases, failures: failed, waiting, pastNoReturn, subject }: Story): string[] {
  const parts = [`Phase: **${phases.at(-1)?.phase ?? 'preparing'}**`];
  if (waiting !== undefined) parts.push(waiting);
  if (subject.kind !== 'backup' && pastNoReturn) {
    parts.push(
      'Past the point of no return: it ends complete, or is rolled back. Do not terminate it.',
    );
  }
  if (failed.length === 0) {
    parts.push(
      'A step that fails for a while is tried again. Its last failure and what to do stand under *Pending Activities*.',
    );
  }
  return parts;
}

function failures(all: readonly FailureTold[]): string[] {
  const shown = all.slice(-shownFailures);
  const left = all.length - shown.length;
  return [
    ...(left === 0 ? [] : [`${left} earlier failures are not shown.`]),
    ...shown.map(({ doing, code: errorCode, message, hint }) =>
      [
        `**Failed${doing === undefined ? '' : ` (${plain(doing)})`}: ${plain(errorCode)}**`,
        fenced(fitBytes(message, messageLimit)),
        ...(hint === undefined ? [] : [`**What to do:** ${fitBytes(hint, messageLimit)}`]),
      ].join('\n\n'),
    ),
  ];
}

function phaseTable({ phases, forgotten, end }: Story): string {
  const rows = phases.map(({ phase, began, ended, result }) => {
    const took = ended !== undefined ? timeText(ended - began) : end === undefined ? 'now' : '';
    return `| ${phase} | ${timeOfDay(began)} | ${took} | ${cell(result ?? '')} |`;
  });
  return [
    ...(forgotten === 0 ? [] : [`${forgotten} earlier phases are not shown.`, '']),
    '| phase | began (UTC) | took | result |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function checks(preflight: PreflightReport | undefined): string[] {
  if (preflight === undefined) return [];
  const rows = preflight.checks.map(
    ({ verdict, name, text }) => `| ${verdict} | ${cell(name)} | ${cell(fitBytes(text, 500))} |`,
  );
  return [['| verdict | check | found |', '| --- | --- | --- |', ...rows].join('\n')];
}

/** Time of day of a moment; a date is seen beside it in the Web UI. */
function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** A text of others, so that it changes nothing around it. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>#|~!]/g, '\\$&');
}

function cell(text: string): string {
  return plain(text).trim();
}

function code(text: string): string {
  return text.replace(/[`\s]+/g, ' ');
}

function fenced(text: string): string {
  return ['```text', text.replaceAll('```', "'''"), '```'].join('\n');
}

/** Whole lines only: half a row would break the table. */
function fitLines(text: string, bytes: number): string {
  if (utf8Length(text) <= bytes) return text;
  const rest = '\n\nMore than the Web UI can show.';
  let fitted = '';
  let left = bytes - utf8Length(rest);
  for (const line of text.split('\n')) {
    left -= utf8Length(line) + 1;
    if (left < 0) break;
    fitted += `${line}\n`;
  }
  return fitted.trimEnd() + rest;
}
