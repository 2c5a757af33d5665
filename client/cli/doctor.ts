import { escapeControl } from '../../core/ids';
import type { StorageCheck } from '../check-storage';
import { renderTable } from '../render/table';
import { textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

const refused = 14;
const warned = 3;

/** `holdfast doctor`. Exit status 14 where something is refused, 3 where something should be looked at. */
export const doctor: CommandRun = (context, input) => {
  const { terminal } = context;
  return withBackups(
    context,
    async (client) => {
      const checks = await client.checkStorage();
      const { name, type } = client.config.storage;
      if (terminal.json) {
        terminal.outJson({ v: 1, storage: name, type, checks });
      } else {
        if (!terminal.quiet) tableOf(checks, terminal.width).forEach((line) => terminal.out(line));
        hintsOf(checks).forEach((line) => terminal.err(line));
      }
      if (checks.some(({ verdict }) => verdict === 'refuse')) return refused;
      return checks.some(({ verdict }) => verdict === 'warn') ? warned : 0;
    },
    textOption(input, 'storage'),
  );
};

function tableOf(checks: readonly StorageCheck[], width: number): string[] {
  const columns = [
    { title: 'CHECK' },
    { title: 'VERDICT' },
    { title: '', flexible: true },
  ] as const;
  const rows = checks.map(({ name, verdict, text }) => [name, verdict, text].map(escapeControl));
  return renderTable(columns, rows, width);
}

function hintsOf(checks: readonly StorageCheck[]): string[] {
  return checks.flatMap(({ name, hint }) =>
    hint === undefined ? [] : [`hint: ${name}: ${escapeControl(hint)}`],
  );
}
