import { loadConfig } from '../../config/load';
import { isHoldfastError } from '../../core/errors';
import { fetchCli, downloadUrl } from '../../worker/embedded/fetch-cli';
import { cacheDirectory, findTemporalCli } from '../../worker/embedded/temporal-cli';
import { EmbeddedTemporal, type UpOptions } from '../../worker/embedded/up';
import { splitAddress } from '../../worker/probe-server';
import { hasOption, textOption, type CommandInput, type CommandRun } from './command-spec';
import type { CommandContext } from './context';
import { usageError } from './report-error';
import { untilStopped } from './stop-signals';
import { renderFacts } from '../render/table';
import { hostPrefix, startError, workerEvents } from './worker-events';

/** `holdfast up`: runs until it is stopped, or until the server ends by itself. */
export const up: CommandRun = async (context, input) => {
  const { terminal } = context;
  const options = await readInput(context, input);
  const temporal = new EmbeddedTemporal(options);
  const stopped = untilStopped(() => temporal.hurry());
  const started = temporal.start().catch((error: unknown) => {
    throw startError(error);
  });
  const first = await Promise.race([started.then(() => 'ready'), stopped.then(() => 'stopped')]);
  try {
    if (first === 'ready') {
      tellReady(context, temporal, options);
      await Promise.race([stopped, temporal.untilServerEnds()]);
    }
  } finally {
    terminal.note('stopping: the workers finish what they can, then the server goes');
    await temporal.stop();
    // A start that was cut short cleans up after itself.
    await started.catch(() => undefined);
  }
  return 0;
};

async function readInput(context: CommandContext, input: CommandInput): Promise<UpOptions> {
  const { terminal, environment } = context;
  const state = textOption(input, 'state');
  const { config, file } = await loadConfig({
    environment,
    file: context.config,
    flags: state === undefined ? [] : [{ setting: 'state', flag: '--state', value: state }],
  });
  const port = portOption(input, 'port') ?? splitAddress(config.temporal.address).port;
  return {
    cli: await findCli(context, input),
    state: config.state,
    ip: '127.0.0.1',
    port,
    uiPort: portOption(input, 'ui-port') ?? port + 1_000,
    namespace: config.temporal.namespace,
    workers: input.options.get('worker') === false ? undefined : file,
    hostPrefix: hostPrefix(config.limits, environment, terminal),
    newServerVersion: hasOption(input, 'new-server-version'),
    environment,
    events: workerEvents(terminal),
  };
}

async function findCli({ terminal, environment }: CommandContext, input: CommandInput) {
  const { variables, home } = environment;
  const search = { named: textOption(input, 'temporal-cli'), variables, home };
  try {
    return await findTemporalCli(search);
  } catch (error) {
    const fetches = hasOption(input, 'fetch') && search.named === undefined;
    if (!fetches || !isHoldfastError(error, 'HF-TEMPORAL-002')) throw error;
    const url = downloadUrl();
    terminal.note(`downloading the Temporal CLI from ${url}`);
    const named = await fetchCli(cacheDirectory(search), url, AbortSignal.timeout(600_000));
    return findTemporalCli({ ...search, named });
  }
}

function portOption(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw usageError(`--${name} takes a port number, not ${text}`, 'up');
  }
  return port;
}

function tellReady(
  { terminal, environment }: CommandContext,
  { address, uiAddress }: EmbeddedTemporal,
  { state, namespace }: UpOptions,
): void {
  if (terminal.json) {
    const { pid } = environment;
    terminal.outJson({ type: 'ready', v: 1, address, ui: uiAddress, namespace, state, pid });
  } else {
    const facts = [
      ['Temporal', address],
      ['Web UI', uiAddress],
      ['state', state],
    ] as const;
    renderFacts(facts, terminal.width).forEach((line) => terminal.out(line));
  }
}
