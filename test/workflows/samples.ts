import type {
  ArchiveFacts,
  BackupInput,
  CopyInput,
  OperationLimits,
  Placement,
  PreflightReport,
  PruneInput,
  RestoreInput,
  VerifyAllInput,
  VerifyInput,
} from '../../core/messages';
import type { OperationRef } from '../../core/operation';

export const controller = '6b1f0a2e-7c55-4a39-8d1e-3a7f5b9c2d10';
export const sampleBackupId = `20260102-030405.${controller}`;

export const limits: OperationLimits = {
  heartbeatTimeout: 5_000,
  hostWait: 60_000,
  hostNotice: 30_000,
  confirmWait: 60_000,
};

/** What every input has. */
export function common(placement: Placement) {
  return {
    v: 1,
    controller,
    machine: 'machine-0',
    storage: 'default',
    placement,
    limits,
  } as const;
}

export function backupInput(placement: Placement, change: Partial<BackupInput> = {}): BackupInput {
  return { ...common(placement), notes: 'before the upgrade', purpose: 'manual', ...change };
}

export function restoreInput(
  placement: Placement,
  change: Partial<RestoreInput> = {},
): RestoreInput {
  return {
    ...common(placement),
    action: 'restore',
    backup: { id: sampleBackupId },
    planOnly: false,
    confirmed: true,
    keepOld: false,
    ...change,
  };
}

export function verifyInput(placement: Placement): VerifyInput {
  return { ...common(placement), backupId: sampleBackupId };
}

export function verifyAllInput(placement: Placement, sample?: number): VerifyAllInput {
  return { ...common(placement), ...(sample === undefined ? {} : { sample }) };
}

export function pruneInput(placement: Placement): PruneInput {
  return { ...common(placement), rules: { last: 7 } };
}

export function copyInput(placement: Placement): CopyInput {
  return { ...common(placement), to: 'offsite', backupId: sampleBackupId };
}

export const archive: ArchiveFacts = {
  name: 'juju-backup-20260102-030405.tar.gz',
  size: 8_192,
  sha256: 'a'.repeat(64),
  sha1Base64: 'qUqP5cyxm6YcTAhz05Hph5gvu9M=',
};

export function ref(
  kind: OperationRef['kind'],
  run: { readonly workflowId: string; readonly runId: string },
  backupId: string,
): OperationRef {
  return {
    v: 1,
    kind,
    ...run,
    backupId,
    directory: controller,
    owner: `${run.workflowId}/${run.runId}`,
    host: { modelUuid: controller, machine: 'machine-0', machineId: '' },
    plan: {
      storage: 'default',
      storageRoot: '/srv/backups',
      root: '/',
      dataDir: '/var/lib/juju',
      workspace: '/var/lib/holdfast',
      compressor: 'zlib',
      level: 6,
      memberSize: 4_194_304,
    },
  };
}

export function preflight(...refused: readonly string[]): PreflightReport {
  return {
    v: 1,
    backupId: sampleBackupId,
    checks: [
      { name: 'controller', verdict: 'pass', text: 'it is this one' },
      ...refused.map((name) => ({ name, verdict: 'refuse', text: `${name} is wrong` }) as const),
    ],
    collections: 3,
    documents: 40,
    bytes: 9_000,
    files: 5,
  };
}
