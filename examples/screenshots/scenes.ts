import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ProcessServices } from '../../controller/process-services';
import {
  databaseUnitName,
  readExample,
  type ExampleController,
} from '../controller/build-controller';
import { freePort, holdfast, startBackground, type Background } from '../quickstart/processes';
import type { Browser } from './browser';
import { fewerColours } from './png-size';

const show = (text: string): void => void process.stderr.write(text);
const readySchema = z.object({ ui: z.string() }).loose();
/** Milliseconds in which a page must show what it is for. */
const patience = 90_000;
/** Pixels; what is left of and above the page about one run is the same on every page. */
const width = 1460;
const margin = { x: 64, y: 105 };
/** The page makes the frames of its texts a little too low for them, and scrolls failures in boxes. */
const wholeTexts = `for (const box of document.querySelectorAll('.cm-editor, .cm-scroller')) {
  box.style.maxHeight = 'none';
}
for (const frame of document.querySelectorAll('iframe')) {
  const page = frame.contentDocument?.documentElement;
  if (page) frame.style.height = page.scrollHeight + 24 + 'px';
} true`;

const lastFailure = `[...document.querySelectorAll('.cm-editor')].find((box) => box.textContent.includes('ECONNREFUSED'))`;

/** The example's root stands for `/`: paths are shown as a controller shows them. */
function asOnController(root: string): string {
  return `for (const page of [document, ...[...document.querySelectorAll('iframe')].map((f) => f.contentDocument)]) {
  const texts = page?.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (texts?.nextNode()) {
    texts.currentNode.data = texts.currentNode.data.replaceAll(${JSON.stringify(root)}, '');
  }
} true`;
}

/** The moments of a controller's life that the documentation shows. */
export class Scenes {
  readonly #running: Background[] = [];
  #example: ExampleController | undefined;
  #ui = '';

  private constructor(
    private readonly browser: Browser,
    private readonly directory: string,
    private readonly flags: { readonly size: string; readonly to: string },
  ) {}

  /** Starts a controller, Temporal with its Web UI, and the workers. */
  static async prepare(
    browser: Browser,
    directory: string,
    flags: { readonly size: string; readonly to: string },
  ): Promise<Scenes> {
    const scenes = new Scenes(browser, directory, flags);
    try {
      await scenes.#start();
      return scenes;
    } catch (error) {
      await scenes.stop();
      throw error;
    }
  }

  async play(): Promise<void> {
    await this.#warmUp();
    await this.#runningBackup();
    const id = await this.#retriedBackup();
    await this.#finishedRestore(id);
  }

  async stop(): Promise<void> {
    for (const background of this.#running.toReversed()) await background.stop();
  }

  async #start(): Promise<void> {
    const port = await freePort();
    const uiPort = await freePort();
    const directory = join(this.directory, 'controller');
    await mkdir(directory, { mode: 0o700 });
    show(`Starting a controller of ${this.flags.size}\n`);
    const controller = join(__dirname, '../controller/main.js');
    const place = ['--directory', directory, '--temporal', `127.0.0.1:${port}`];
    this.#running.push(
      await startBackground(
        'controller',
        [controller, 'start', '--seed', '1', '--size', this.flags.size, ...place],
        { logs: this.directory, env: process.env },
      ),
    );
    this.#example = await readExample(directory);
    const program = join(__dirname, '../../client/cli/main.js');
    const ports = ['--port', String(port), '--ui-port', String(uiPort)];
    const up = await startBackground('up', [program, 'up', ...ports, '--json'], {
      logs: this.directory,
      env: this.#env,
    });
    this.#running.push(up);
    this.#ui = readySchema.parse(JSON.parse(up.ready)).ui;
  }

  /** The first page loads the whole of the Web UI: too slow for a moment that passes. */
  async #warmUp(): Promise<void> {
    await this.browser.open(`${this.#ui}/namespaces/default/workflows`);
    await this.browser.shows(['Workflows'], patience);
  }

  async #runningBackup(): Promise<void> {
    const backup = this.#holdfast('create', 'before the upgrade');
    const run = await this.#run('WorkflowType="backup" AND HoldfastPhase="dumping"');
    await this.browser.open(`${run}/user-metadata`);
    await this.browser.shows(['Phase: dumping', 'dump every collection'], patience);
    await this.#picture('backup-running', 960);
    await backup;
  }

  /** The database is stopped while it is being dumped, and comes back. */
  async #retriedBackup(): Promise<string> {
    const services = new ProcessServices({ socket: this.#controller.socket });
    const backup = this.#holdfast('create', 'while the database restarts');
    const run = await this.#run(
      'WorkflowType="backup" AND HoldfastPhase="dumping" AND ExecutionStatus="Running"',
    );
    await services.stop(databaseUnitName);
    try {
      await this.browser.open(`${run}/pending-activities`);
      await this.browser.shows(['dumpDatabase', 'HF-MONGO-', 'ECONNREFUSED'], patience);
      await this.#picture('backup-retried', 1250, lastFailure);
    } finally {
      await services.start(databaseUnitName);
    }
    return lastLine(await backup);
  }

  async #finishedRestore(id: string): Promise<void> {
    await this.#holdfast('restore', id, '--yes');
    const run = await this.#run('WorkflowType="restore" AND HoldfastOutcome="restored"');
    await this.browser.open(`${run}/user-metadata`);
    await this.browser.shows(['is restored', 'the controller was away for'], patience);
    await this.#picture('restore-finished', 1345);
  }

  /** Address of the run's page, once the list of workflows has one that the filter lets through. */
  async #run(filter: string): Promise<string> {
    const deadline = performance.now() + patience;
    const workflows = 'namespaces/default/workflows';
    for (;;) {
      const url = `${this.#ui}/api/v1/${workflows}?query=${encodeURIComponent(filter)}`;
      const [found] = runsSchema.parse(await (await fetch(url)).json()).executions;
      if (found !== undefined) {
        const { workflowId, runId } = found.execution;
        return `${this.#ui}/${workflows}/${encodeURIComponent(workflowId)}/${runId}`;
      }
      if (performance.now() > deadline) throw new Error(`no run came to be ${filter}`);
      await delay(100);
    }
  }

  /**
   * @param height of the window, pixels
   * @param last what the picture ends with: an expression for an element of the page
   */
  async #picture(name: string, height: number, last?: string): Promise<void> {
    const path = join(this.flags.to, `${name}.png`);
    await this.browser.resize({ width, height });
    await this.browser.evaluate(wholeTexts);
    await this.browser.evaluate(asOnController(this.#controller.root));
    // What slides or fades in is there a moment after its text.
    await delay(500);
    const { x, y } = margin;
    const bottom = last === undefined ? height : await this.#bottomOf(last);
    const png = await this.browser.picture({ x, y, width: width - x, height: bottom - y });
    await writeFile(path, await fewerColours(png));
    show(`${path}\n`);
  }

  async #bottomOf(element: string): Promise<number> {
    const bottom = await this.browser.evaluate(`${element}?.getBoundingClientRect().bottom ?? 0`);
    if (typeof bottom !== 'number' || bottom < margin.y) throw new Error(`no ${element} is shown`);
    return Math.ceil(bottom) + 10;
  }

  get #controller(): ExampleController {
    if (this.#example === undefined) throw new Error('the controller was not started');
    return this.#example;
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, HOLDFAST_CONFIG: this.#controller.configFile };
  }

  async #holdfast(...args: string[]): Promise<string> {
    const { stdout, status } = await holdfast(args, this.#env, show);
    if (status !== 0) throw new Error(`holdfast ${args[0] ?? ''} ended with status ${status}`);
    return stdout;
  }
}

const runsSchema = z.object({
  executions: z
    .array(z.object({ execution: z.object({ workflowId: z.string(), runId: z.string() }) }))
    .default([]),
});

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
