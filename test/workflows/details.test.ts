import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { errorTable } from '../../core/error-table';
import { utf8Length } from '../../core/fit-bytes';
import { tellStory, type Story } from '../../workflows/story';
import { Gate } from './gate';
import { failedStep, failing, HostOfFakes, withCode } from './host-of-fakes';
import {
  backupInput,
  controller,
  copyInput,
  limits,
  preflight,
  restoreInput,
  sampleBackupId,
  verifyAllInput,
  verifyInput,
} from './samples';
import { endOf, inPhase, TestTemporal } from './temporal';

let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await TestTemporal.start();
});

afterAll(async () => {
  await temporal.stop();
});

const metadataSchema = z.object({ currentDetails: z.string() });

/** The details as the Web UI asks for them. */
async function detailsOf(handle: WorkflowHandle): Promise<string> {
  return metadataSchema.parse(await handle.query('__temporal_workflow_metadata')).currentDetails;
}

/** The phases of the table with what they counted. */
function phasesOf(details: string): Record<string, string> {
  const rows = details.matchAll(/^\| ([a-z-]+) \| \d\d:\d\d:\d\d \| [\w. ]* \| (.*) \|$/gm);
  return Object.fromEntries([...rows].map(([, phase = '', result = '']) => [phase, result.trim()]));
}

const hint = 'Free some space, then start it again.';

/** A failure as a host sends it, with its hint. */
function failingWithHint(): Promise<never> {
  return Promise.reject(
    ApplicationFailure.create({
      type: failedStep,
      message: 'a file has gone\nand another',
      nonRetryable: true,
      details: [{ v: 1, code: failedStep, hint, exit: 1 }],
    }),
  );
}

test('a running backup tells of which controller it is, the phases it passed and what they counted', async () => {
  const gate = new Gate();
  const host = new HostOfFakes({
    storeArchive: async () => {
      await gate.pass();
      return { stored: 8_192 };
    },
  });
  const input = backupInput(await temporal.placement(), {
    controllerName: 'berlin_1',
    notes: 'before | the *upgrade*',
  });
  const handle = await temporal.backup(input);
  await temporal.with(handle, host, async () => {
    await gate.reached;
    await inPhase(handle, 'storing');
    const details = await detailsOf(handle);
    gate.open();
    expect(details).toContain(
      `**backup** of controller **berlin\\_1** \`${controller}\`, machine-0, into storage \`default\``,
    );
    expect(details).toContain('Notes: before \\| the \\*upgrade\\*');
    expect(details).toContain('Phase: **storing**');
    expect(details).toContain('*Pending Activities*');
    expect(details).toMatch(/\| storing \| \d\d:\d\d:\d\d \| now \| {2}\|/);
    expect(phasesOf(details)).toEqual({
      preparing: '',
      dumping: '3 collections, 40 documents, 8.8 KiB, 7 oplog entries',
      bundling: '5 files, 1.0 KiB',
      composing: '8.0 KiB',
      inspecting: '12 entries proven',
      storing: '',
    });
    const report = await handle.result();
    const last = await detailsOf(handle);
    expect(last).toContain(`Backup \`${report.backupId}\` is **complete**, after `);
    expect(last).toContain('- 3 collections, 40 documents, 7 oplog entries, 5 files');
    expect(last).toContain(report.archive.sha256);
    expect(last).not.toContain('now');
    expect(last).not.toContain('Phase:');
  });
});

test('a failed backup tells code, message and hint of the step, and that the undo failed too', async () => {
  const host = new HostOfFakes({ bundleFiles: failingWithHint, undoBackup: failing });
  const handle = await temporal.backup(backupInput(await temporal.placement()));
  const details = await temporal.with(handle, host, async () => {
    await endOf(handle);
    return detailsOf(handle);
  });
  expect(details).toContain('The backup **failed**.');
  expect(details).toContain(
    [
      `**Failed (bundle the host files): ${failedStep}**`,
      '```text\na file has gone\nand another\n```',
      `**What to do:** ${hint}`,
    ].join('\n\n'),
  );
  expect(details).toContain(`**Failed (remove the partial backup): ${failedStep}**`);
  expect(details.match(/\*\*Failed/g)).toHaveLength(2);
  expect(Object.keys(phasesOf(details))).toEqual([
    'preparing',
    'dumping',
    'bundling',
    'compensating',
  ]);
});

test('a backup whose host is away tells since when nobody takes its step, and what to start there', async () => {
  const placement = await temporal.placementAway();
  const input = backupInput(placement, { limits: { ...limits, hostNotice: 500 } });
  const handle = await temporal.backup(input);
  await inPhase(handle, 'waiting-for-host');
  const details = await detailsOf(handle);
  expect(details).toContain(`Nobody has taken the next step from the queue \`${placement.host}\``);
  expect(details).toContain('start the worker on that host (`holdfast worker`)');
  const report = await temporal.withHost(placement, new HostOfFakes(), () => handle.result());
  expect(report.outcome).toBe('complete');
  const last = await detailsOf(handle);
  expect(last).not.toContain('Nobody');
  expect(Object.keys(phasesOf(last))).toContain('waiting-for-host');
});

test('a cancelled backup tells that it was cancelled, and no failure', async () => {
  const gate = new Gate();
  const host = new HostOfFakes({ dumpDatabase: () => gate.pass().then(failing) });
  const handle = await temporal.backup(backupInput(await temporal.placement()));
  const details = await temporal.with(handle, host, async () => {
    await gate.reached;
    await handle.cancel();
    await endOf(handle);
    return detailsOf(handle);
  });
  expect(details).toContain('The backup was cancelled.');
  expect(details).not.toContain('Failed');
});

test('a restore that waits tells what it found and how to answer; restored, for how long the controller was away', async () => {
  const handle = await temporal.restore(
    restoreInput(await temporal.placement(), { confirmed: false }),
  );
  await temporal.with(handle, new HostOfFakes(), async () => {
    const { backupId } = await inPhase(handle, 'awaiting-confirmation');
    const details = await detailsOf(handle);
    expect(details).toContain('| pass | controller | it is this one |');
    expect(details).toContain(`{"v": 1, "backupId": "${String(backupId)}", "answer": "yes"}`);
    expect(details).toContain('After 1m without an answer');
    await handle.executeUpdate('confirm', { args: [{ v: 1, backupId, answer: 'yes' }] });
    await handle.result();
  });
  const last = await detailsOf(handle);
  expect(last).toContain('is **restored**, after ');
  expect(last).toContain('- the controller was away for 1.5 s');
  expect(phasesOf(last)).toMatchObject({
    loading: '3 collections, 40 documents, 7 oplog entries',
    'staging-files': '5 files',
    'starting-agents': 'away for 1.5 s',
    'cleaning-up': '',
  });
});

test('a refused restore tells every reason and the hint of the error table', async () => {
  const host = new HostOfFakes({
    preflightRestore: () => Promise.resolve(preflight('space', 'lease')),
  });
  const handle = await temporal.restore(restoreInput(await temporal.placement()));
  const details = await temporal.with(handle, host, async () => {
    await endOf(handle);
    return detailsOf(handle);
  });
  expect(details).toContain('**Failed: HF-PREFLIGHT-001**');
  expect(details).toContain('space is wrong');
  expect(details).toContain('| refuse | lease | lease is wrong |');
  expect(details).toContain(`**What to do:** ${errorTable['HF-PREFLIGHT-001'].hint}`);
});

test('a verification tells what it found, damage with its code', async () => {
  const placement = await temporal.placement();
  const sound = await temporal.verify(verifyInput(placement));
  await temporal.with(sound, new HostOfFakes(), () => sound.result());
  expect(await detailsOf(sound)).toContain('is **sound**: 12 entries, 40 documents, 8.8 KiB read');
  const damaged = await temporal.verify(verifyInput(placement));
  await temporal.with(damaged, new HostOfFakes({ verifyBackup: failing }), () => endOf(damaged));
  expect(await detailsOf(damaged)).toContain(`: ${failedStep}**`);
});

test('a copy tells both storages and what arrived', async () => {
  const handle = await temporal.copy(copyInput(await temporal.placement()));
  await temporal.with(handle, new HostOfFakes(), () => handle.result());
  const details = await detailsOf(handle);
  expect(details).toContain('machine-0, from storage `default` into storage `offsite`');
  expect(details).toContain('is **complete** in storage `offsite`: 2 files, 8.8 KiB, in ');
  expect(phasesOf(details)).toMatchObject({
    copying: '2 files, 8.8 KiB',
    verifying: '8.8 KiB read back',
  });
});

test('a verification of several backups tells how many are sound, and which are damaged', async () => {
  const host = new HostOfFakes({
    chooseBackups: () => Promise.resolve({ ids: [sampleBackupId], left: 2, incomplete: 1 }),
    verifyBackup: () => Promise.reject(withCode('HF-ARCHIVE-001')),
  });
  const handle = await temporal.verifyAll(verifyAllInput(await temporal.placement(), 30));
  await temporal.with(handle, host, () => handle.result());
  const details = await detailsOf(handle);
  expect(details).toContain('**0** of 1 backups are sound, **1** are damaged: 0 B read in ');
  expect(details).toContain("2 others were not this run's turn.");
  expect(details).toContain(`| \`${sampleBackupId}\` | HF-ARCHIVE-001 |`);
  expect(phasesOf(details)).toMatchObject({
    choosing: '1 of 3 backups',
    verifying: '1 of 1 read, 1 damaged',
  });
});

test('stays below the 20,000 bytes of the Web UI whatever happened, and ends with a whole line', () => {
  const story: Story = {
    subject: {
      kind: 'backup',
      controller,
      machine: 'machine-0',
      storage: 's',
      notes: '€'.repeat(9_000),
    },
    backupId: undefined,
    phases: Array.from({ length: 40 }, (_, at) => ({ phase: 'dumping', began: at, ended: at + 1 })),
    forgotten: 7,
    failures: Array.from({ length: 9 }, () => ({
      code: failedStep,
      message: '€'.repeat(9_000),
      hint: '€'.repeat(9_000),
    })),
    waiting: undefined,
    preflight: {
      ...preflight(),
      checks: Array.from({ length: 50 }, () => ({
        name: 'n',
        verdict: 'warn',
        text: '€'.repeat(900),
      })),
    },
    pastNoReturn: false,
    end: undefined,
  };
  const details = tellStory(story);
  expect(utf8Length(details)).toBeLessThanOrEqual(19_000);
  expect(Buffer.byteLength(details)).toBe(utf8Length(details));
  expect(details).toMatch(/\nMore than the Web UI can show\.$/);
  expect(details).toContain('4 earlier failures are not shown.');
  expect(tellStory({ ...story, failures: [] })).toContain('7 earlier phases are not shown.');
});
