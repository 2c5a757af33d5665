import type { Status } from '../status';
import type { CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { askToConfirm } from './restore';
import { showReport } from './show-report';

/** `holdfast watch [ID]`: a restore that waits for its confirmation is asked about where one can be asked. */
export const watch: CommandRun = (context, input) => {
  const { terminal } = context;
  return withClient(context, async (client) => {
    const handle = await client.find(input.arguments[0]);
    const onConfirmation = (status: Status) => askToConfirm(context, client, handle, status);
    return conclude(
      context,
      client,
      handle,
      (report) => showReport(terminal, report),
      terminal.interactive ? { onConfirmation } : {},
    );
  });
};
