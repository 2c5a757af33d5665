import type { Environment } from '../../config/environment';
import type { Terminal } from './terminal';

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** What `--config` names. */
  readonly config: string | undefined;
}
