import { repositoryWorkflowId, verifyAllWorkflowId, verifyWorkflowId } from '../core/ids';
import type {
  CopyInput,
  PruneInput,
  PruneRules,
  VerifyAllInput,
  VerifyInput,
} from '../core/messages';
import {
  common,
  details,
  label,
  request,
  type OperationTarget,
  type StartOptions,
} from './operation-request';
import type { StartRequest } from './start';

export interface PruneOptions extends StartOptions {
  /** Backups to remove; full ids. */
  readonly ids?: readonly string[];
  /** Or what to keep. */
  readonly rules?: PruneRules;
}

/** The workflow `prune` with its input. */
export function pruneRequest(target: OperationTarget, options: PruneOptions): StartRequest {
  const { ids, rules } = options;
  const input: PruneInput = {
    ...common(target),
    ...(ids === undefined ? {} : { ids }),
    ...(rules === undefined ? {} : { rules }),
  };
  const what = ids === undefined ? 'backups that no rule keeps' : ids.join(', ');
  const texts = {
    summary: `removal of ${what} of ${label(target)}`,
    details: details(
      target,
      `Removes ${what} from the storage.`,
      'Cancelled or terminated, it has removed some of them whole and left the others whole.',
    ),
  };
  return {
    ...request(target, 'prune', input, texts, options),
    workflowId: repositoryWorkflowId(target.host.modelUuid),
  };
}

/** The workflow `verify` with its input; one verification of a backup serves all who ask. */
export function verifyRequest(
  target: OperationTarget,
  backupId: string,
  options: StartOptions,
): StartRequest {
  const input: VerifyInput = { ...common(target), backupId };
  const texts = {
    summary: `verify ${label(target)}: ${backupId}`,
    details: details(
      target,
      `Reads every byte of backup \`${backupId}\` and proves it.`,
      'It changes nothing, and may be cancelled or terminated at any time.',
    ),
  };
  return {
    ...request(target, 'verify', input, texts, options),
    workflowId: verifyWorkflowId(target.host.modelUuid, input.storage, backupId),
    backupId,
    attach: true,
  };
}

export interface VerifyAllOptions extends StartOptions {
  /** Percent of the backups, those that were not proven for longest. Default: all of them. */
  readonly sample?: number;
}

/** The workflow `verifyAll` with its input. */
export function verifyAllRequest(target: OperationTarget, options: VerifyAllOptions): StartRequest {
  const { sample } = options;
  const input: VerifyAllInput = {
    ...common(target),
    ...(sample === undefined ? {} : { sample }),
  };
  const what = sample === undefined ? 'all backups' : `${sample}% of the backups`;
  const texts = {
    summary: `verify ${label(target)}: ${what}`,
    details: details(
      target,
      `Reads every byte of ${what} and proves them, one after the other.`,
      'It changes no backup, and may be cancelled or terminated at any time.',
    ),
  };
  return {
    ...request(target, 'verifyAll', input, texts, options),
    workflowId: verifyAllWorkflowId(target.host.modelUuid, input.storage),
  };
}

export interface CopyOptions extends StartOptions {
  /** Name of the storage to copy into. */
  readonly to: string;
}

/** The workflow `copy` with its input; it reads from the default storage. */
export function copyRequest(
  target: OperationTarget,
  backupId: string,
  options: CopyOptions,
): StartRequest {
  const { to } = options;
  const input: CopyInput = { ...common(target), to, backupId };
  const texts = {
    summary: `copy of ${label(target)}: ${backupId} into ${to}`,
    details: details(
      target,
      `Copies backup \`${backupId}\` into storage \`${to}\`: it will be complete there, or not there at all.`,
      'To stop it, request its cancellation: what it wrote is then removed. Terminated, it leaves that to the next copy.',
    ),
  };
  return {
    ...request(target, 'copy', input, texts, options),
    workflowId: repositoryWorkflowId(target.host.modelUuid),
    backupId,
  };
}
