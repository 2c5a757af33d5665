import type { VerifyAllReport, VerifyReport } from '../../core/messages';
import type { HoldfastClient } from '../holdfast-client';
import type { OperationHandle } from '../operation-handle';
import type { Report } from '../status';
import { resolveBackup } from './backup-argument';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showVerification, showVerifications } from './show-report';

/** `holdfast verify ID`, `--all` or `--sample PERCENT`. */
export const verify: CommandRun = (context, input) => {
  const { terminal } = context;
  const sample = sampleOf(input);
  const [id] = input.arguments;
  const several = hasOption(input, 'all') || sample !== undefined;
  if (several === (id !== undefined) || (hasOption(input, 'all') && sample !== undefined)) {
    throw usageError('name one backup by its ID, or pass --all or --sample', 'verify');
  }
  const options = { wait: hasOption(input, 'wait') };
  const run = async (client: HoldfastClient): Promise<number> => {
    const end = <R extends Report>(
      handle: OperationHandle<R>,
      show: (report: R) => number,
    ): Promise<number> =>
      conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
    if (id !== undefined) {
      const handle = await client.startVerify(await resolveBackup(client, id), options);
      return end(handle, (report: VerifyReport) => showVerification(terminal, report));
    }
    const chosen = sample === undefined ? options : { ...options, sample };
    const handle = await client.startVerifyAll(chosen);
    return end(handle, (report: VerifyAllReport) => showVerifications(terminal, report));
  };
  return withClient(context, run, textOption(input, 'storage'));
};

/** Percent. */
function sampleOf(input: CommandInput): number | undefined {
  const text = textOption(input, 'sample');
  if (text === undefined) return undefined;
  const percent = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
  const sample = Number(percent);
  if (percent !== undefined && sample > 0 && sample <= 100) return sample;
  throw usageError(`--sample takes a percentage such as 5%, not ${text}`, 'verify');
}
