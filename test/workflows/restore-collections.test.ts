import type { StepBodies } from '../../activities/steps';
import {
  messageNames,
  type CancelRequest,
  type Confirmation,
  type RestoreCollectionsInput,
} from '../../core/messages';
import type { Placement } from '../../core/messages';
import { Gate } from './gate';
import { failedStep, failing, HostOfFakes, type StepName } from './host-of-fakes';
import {
  archive,
  common,
  controller,
  preflight,
  ref,
  restoreInput,
  sampleBackupId,
} from './samples';
import { attributesOf, endOf, inPhase, keepHistory, TestTemporal } from './temporal';

const proofs: readonly StepName[] = [
  'locateBackup',
  'prepareCollections',
  'fetchCollections',
  'inspectCollections',
  'preflightCollections',
];
const work: readonly StepName[] = [
  'beginRestore',
  'loadCollections',
  'swapCollections',
  'finishRestore',
];

function inputOf(
  placement: Placement,
  change: Partial<RestoreCollectionsInput> = {},
): RestoreCollectionsInput {
  return {
    ...common(placement),
    source: { backup: { id: sampleBackupId } },
    choice: {
      include: ['juju.units'],
      exclude: [],
      rename: { from: 'juju.units', to: 'scratch.units' },
    },
    replace: false,
    planOnly: false,
    confirmed: true,
    keepOld: false,
    ...change,
  };
}

let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await TestTemporal.start();
});
afterAll(() => temporal.stop());

describe.each([
  ['with a cache', 50],
  ['replayed at every task', 0],
])('a restore of collections, %s,', (_name, cached) => {
  test('proves, loads, gives names and reports; agents and files are none of its steps', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes({ swapCollections: () => Promise.resolve({ replaced: 2 }) });
    const handle = await temporal.restoreCollections(inputOf(placement));
    const report = await temporal.with(handle, host, () => handle.result());
    expect(host.asked).toEqual([...proofs, ...work]);
    expect(report).toMatchObject({
      v: 1,
      kind: 'restoreCollections',
      outcome: 'restored',
      backupId: sampleBackupId,
      collections: 1,
      documents: 40,
      oplogEntries: 7,
      replaced: 2,
      read: 900,
      archiveSize: archive.size,
    });
    expect(await attributesOf(handle)).toEqual({
      HoldfastController: controller,
      HoldfastBackupId: sampleBackupId,
      HoldfastPhase: 'done',
      HoldfastOutcome: 'restored',
    });
    if (cached > 0) await keepHistory(handle, 'restoreCollections-complete');
  });

  test('undoes what was loaded when the names cannot be given', async () => {
    const placement = await temporal.placement(cached);
    const host = new HostOfFakes({ swapCollections: failing });
    const handle = await temporal.restoreCollections(inputOf(placement));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(end).toMatchObject({ status: 'FAILED', code: failedStep });
    expect(host.asked.slice(-2)).toEqual(['swapCollections', 'undoRestore']);
    if (cached > 0) await keepHistory(handle, 'restoreCollections-rolled-back');
  });
});

test('of a dump no backup is looked for', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes({ fetchCollections: () => Promise.resolve({ read: 900 }) });
  const input = inputOf(placement, { source: { dump: '/srv/dump' } });
  const handle = await temporal.restoreCollections(input);
  const report = await temporal.with(handle, host, () => handle.result());
  expect(host.asked).toEqual([...proofs.slice(1), ...work]);
  expect(report).toMatchObject({ backupId: '/srv/dump', read: 900 });
  expect(report).not.toHaveProperty('archiveSize');
  await keepHistory(handle, 'restoreCollections-dump');
});

test('a plan only checks, a refusal changes nothing: both leave nothing behind', async () => {
  const placement = await temporal.placement();
  const refusing = { preflightCollections: () => Promise.resolve(preflight('targets')) };
  for (const planOnly of [true, false]) {
    const host = new HostOfFakes(refusing);
    const handle = await temporal.restoreCollections(inputOf(placement, { planOnly }));
    const end = await temporal.with(handle, host, () => endOf(handle));
    expect(host.asked).toEqual([...proofs, 'discardRun']);
    expect(end.code).toBe(planOnly ? undefined : 'HF-PREFLIGHT-001');
    await keepHistory(handle, `restoreCollections-${planOnly ? 'planned' : 'refused'}`);
  }
});

test('what replaces waits for its confirmation', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes();
  const input = inputOf(placement, { replace: true, confirmed: false });
  const handle = await temporal.restoreCollections(input);
  const report = await temporal.with(handle, host, async () => {
    await inPhase(handle, 'awaiting-confirmation');
    expect(host.asked).toEqual(proofs);
    const answer: Confirmation = { v: 1, backupId: sampleBackupId, answer: 'yes' };
    await handle.executeUpdate(messageNames.confirm, { args: [answer] });
    return handle.result();
  });
  expect(report.outcome).toBe('restored');
  await keepHistory(handle, 'restoreCollections-confirmed');
});

test('restore --resume ends one whose run was terminated while names were given', async () => {
  const placement = await temporal.placement();
  const host = new HostOfFakes({
    prepareRestore: (_input, run) =>
      Promise.resolve({
        ref: ref('restoreCollections', run, sampleBackupId),
        pastNoReturn: true,
        finishing: false,
      }),
  });
  const handle = await temporal.restore(restoreInput(placement, { action: 'resume' }));
  const report = await temporal.with(handle, host, () => handle.result());
  expect(report.outcome).toBe('restored');
  expect(host.asked).toEqual(['prepareRestore', 'swapCollections', 'finishRestore']);
});

/** A ref as prepareCollections gives it when time series may be replaced where they are. */
const prepareInPlace: StepBodies['prepareCollections'] = (_input, run, id) => {
  const collections = { include: ['juju.weather'], exclude: [], replace: false, inPlace: true };
  const made = ref('restoreCollections', run, id ?? '');
  return Promise.resolve({ ...made, collections });
};

test('time series are replaced where they are last of all, and a cancel is refused then', async () => {
  const placement = await temporal.placement();
  const loading = new Gate();
  const host = new HostOfFakes({
    prepareCollections: prepareInPlace,
    loadInPlace: async () => {
      await loading.pass();
      return { collections: 1, documents: 5, oplogEntries: 7 };
    },
  });
  const handle = await temporal.restoreCollections(inputOf(placement, { inPlace: true }));
  const report = await temporal.with(handle, host, async () => {
    await loading.reached;
    const request: CancelRequest = { v: 1, rollback: true };
    const cancel = handle.executeUpdate(messageNames.cancel, { args: [request] });
    await expect(cancel).rejects.toMatchObject({ cause: { type: 'HF-CANCEL-003' } });
    loading.open();
    return handle.result();
  });
  expect(report).toMatchObject({ collections: 2, documents: 45, oplogEntries: 7, replaced: 1 });
  expect(host.asked.slice(-3)).toEqual(['swapCollections', 'loadInPlace', 'finishRestore']);
  await keepHistory(handle, 'restoreCollections-in-place');
});

test('a failure that comes after the drop names what is lost, here and in a rollback', async () => {
  const placement = await temporal.placement();
  const lost = ['juju.weather'];
  const undoRestore: StepBodies['undoRestore'] = () => Promise.resolve({ lost });
  const steps = { prepareCollections: prepareInPlace, loadInPlace: failing, undoRestore };
  const handle = await temporal.restoreCollections(inputOf(placement, { inPlace: true }));
  const end = await temporal.with(handle, new HostOfFakes(steps), () => endOf(handle));
  expect(end).toMatchObject({ status: 'FAILED', code: 'HF-RESTORE-004' });
  await keepHistory(handle, 'restoreCollections-lost');
  const rollback = await temporal.restore(restoreInput(placement, { action: 'rollback' }));
  const host = new HostOfFakes({ undoRestore });
  const report = await temporal.with(rollback, host, () => rollback.result());
  expect(report).toMatchObject({ outcome: 'rolled-back', lost });
});

test('cancelled in the load it undoes it', async () => {
  const placement = await temporal.placement();
  const loading = new Gate();
  const host = new HostOfFakes({
    loadCollections: async () => {
      await loading.pass();
      return { collections: 1, documents: 40, oplogEntries: 7 };
    },
  });
  const handle = await temporal.restoreCollections(inputOf(placement));
  const end = await temporal.with(handle, host, async () => {
    await inPhase(handle, 'loading');
    await loading.reached;
    await handle.cancel();
    loading.open();
    return endOf(handle);
  });
  expect(end.status).toBe('CANCELLED');
  expect(host.asked.slice(-2)).toEqual(['loadCollections', 'undoRestore']);
  await keepHistory(handle, 'restoreCollections-cancelled');
});
