import { textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

function changing(pinned: boolean): CommandRun {
  return (context, input) => {
    const { terminal } = context;
    return withBackups(
      context,
      async (client) => {
        const { id, changed } = await client.setPin(input.arguments[0] ?? '', pinned);
        if (terminal.json) terminal.outJson({ v: 1, id, pinned, changed });
        else terminal.out(id);
        const state = pinned ? 'pinned' : 'not pinned';
        terminal.note(changed ? `it is ${state} now` : `it was ${state} already`);
        return 0;
      },
      textOption(input, 'storage'),
    );
  };
}

/** `holdfast pin ID`. */
export const pin: CommandRun = changing(true);
/** `holdfast unpin ID`. */
export const unpin: CommandRun = changing(false);
