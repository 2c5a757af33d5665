import * as sdk from '@temporalio/workflow';
import { CancellationScope } from '@temporalio/workflow';
import { RootCancellationScope } from '@temporalio/workflow/lib/cancellation-scope';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { errorText } from '../../core/errors';
import * as workflows from '../../workflows';
import { bundleWorkflows } from './temporal';

/** Modules the sandbox itself offers (the bundler of the SDK allows them). */
const offered = new Set(['assert', 'url', 'util']);

/** Paths of the modules webpack put into a bundle. */
function modulesIn(code: string): string[] {
  return [...code.matchAll(/^\/\*{3}\/ "([^"]+)":?$/gm)].flatMap(([, path]) => path ?? []);
}

describe('the bundle of the workflows', () => {
  let modules: string[] = [];
  let code = '';

  beforeAll(async () => {
    ({ code } = await bundleWorkflows());
    modules = modulesIn(code);
  });

  test('exports the workflow types and nothing else', () => {
    expect(Object.keys(workflows).toSorted()).toEqual([
      'backup',
      'copy',
      'prune',
      'restore',
      'restoreCollections',
      'verify',
      'verifyAll',
    ]);
  });

  test('holds the workflows', () => {
    expect(modules).toEqual(
      expect.arrayContaining(['./workflows/backup.ts', './workflows/restore.ts'].map(containing)),
    );
  });

  test('holds no module of Node', () => {
    const builtin = modules.filter((path) => {
      const name = path.replace(/^node:|^external "(node:)?/, '').replace(/"$/, '');
      return builtinModules.includes(name) && !offered.has(name);
    });
    expect(builtin).toEqual([]);
    expect(code).not.toMatch(/require\("(node:|fs|crypto|child_process|net|http)/);
  });

  test('holds of ours only workflows and core', () => {
    const rooms = ['activities', 'archive', 'catalog', 'client', 'config', 'controller', 'mongo'];
    const leaked = modules.filter((path) =>
      [...rooms, 'storage', 'worker'].some((room) =>
        new RegExp(`^\\./(\\.\\./)*${room}/`).test(path),
      ),
    );
    expect(leaked).toEqual([]);
  });
});

/** Bundles one workflow module of a temporary project; what the bundler complains of, if it fails. */
async function complaintAbout(text: string): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  let complaint = '';
  const logger = new DefaultLogger('ERROR', ({ message }) => (complaint += message));
  try {
    await symlink(join(__dirname, '../../node_modules'), join(directory, 'node_modules'));
    const path = join(directory, 'index.js');
    await writeFile(path, text);
    await bundleWorkflowCode({ workflowsPath: path, logger });
    return undefined;
  } catch (error) {
    return `${complaint} ${errorText(error)}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('a workflow module', () => {
  test('that imports nothing of Node is bundled', async () => {
    expect(await complaintAbout('exports.fine = async () => 1;\n')).toBeUndefined();
  });

  test.each(['node:fs', 'fs', '@temporalio/client'])('that imports %s is not', async (module) => {
    const text = `exports.leak = async () => require('${module}');\n`;
    expect(await complaintAbout(text)).toContain(module);
  });
});

function containing(text: string): unknown {
  return expect.stringContaining(text.replace(/^\./, ''));
}

test('the scope without a parent still has to be taken from inside the SDK', () => {
  const scope = new RootCancellationScope();
  expect(scope).toBeInstanceOf(CancellationScope);
  expect(scope).toMatchObject({ cancellable: true });
  expect(scope).not.toHaveProperty('parent', expect.anything());
  // Exported by now? Then workflows/cancellation.ts is to import it from there.
  expect(Object.keys(sdk)).not.toContain('RootCancellationScope');
  expect(Object.keys(sdk)).not.toContain('NO_PARENT');
});
