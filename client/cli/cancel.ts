import { cancelLines } from './cancel-text';
import { hasOption, type CommandRun } from './command-spec';
import { withClient } from './operation';

/** `holdfast cancel`: says what happens now, and does not wait for it. */
export const cancel: CommandRun = (context, input) => {
  const { terminal } = context;
  return withClient(context, async (client) => {
    const handle = await client.running(input.arguments[0]);
    const answer = await client.cancel(handle, { rollback: hasOption(input, 'rollback') });
    const { workflowId, runId } = handle;
    if (terminal.json) terminal.outJson({ ...answer, workflowId, runId });
    else if (terminal.quiet) terminal.out(answer.will);
    else cancelLines(answer, handle).forEach((line) => terminal.out(line));
    return 0;
  });
};
