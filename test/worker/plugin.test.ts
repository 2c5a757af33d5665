import { loadConfig, type LoadedConfig } from '../../config/load';
import { processEnvironment } from '../../config/environment';
import { HoldfastPlugin } from '../../worker/plugin';
import { workflowBundlePath } from '../../worker/workflow-worker';
import { removeDirectories, temporaryDirectory, writeConfig } from '../client/temporary';

let loaded: LoadedConfig;

beforeAll(async () => {
  const file = await writeConfig(await temporaryDirectory(), 7233);
  loaded = await loadConfig({ file, environment: { ...processEnvironment(), variables: {} } });
});

afterAll(removeDirectories);

const taskQueue = 'q';

it("adds Holdfast's activities and its failure interceptor to those of the worker", () => {
  const plugin = new HoldfastPlugin(loaded.config);
  const own = { sendMail: () => Promise.resolve() };
  const options = plugin.configureWorker({ taskQueue, activities: own });
  expect(Object.keys(options.activities ?? {})).toEqual(
    expect.arrayContaining(['sendMail', 'prepareBackup', 'swapDatabase', 'verifyBackup']),
  );
  expect(options.interceptors?.activity).toHaveLength(1);
});

it('refuses an activity of the same name, which the SDK would drop silently', () => {
  const plugin = new HoldfastPlugin(loaded.config);
  const activities = { prepareBackup: () => Promise.resolve() };
  expect(() => plugin.configureWorker({ taskQueue, activities })).toThrow(/prepareBackup/);
});

it('brings its workflows only to a worker that has none', () => {
  const plugin = new HoldfastPlugin(loaded.config);
  const codePath = workflowBundlePath();
  expect(plugin.configureWorker({ taskQueue }).workflowBundle).toEqual({ codePath });
  const path = plugin.configureWorker({ taskQueue, workflowsPath: '/mine.js' });
  expect(path).toMatchObject({ workflowsPath: '/mine.js' });
  expect(path.workflowBundle).toBeUndefined();
  const mine = { codePath: '/mine-bundle.js' };
  const bundle = plugin.configureWorker({ taskQueue, workflowBundle: mine });
  expect(bundle.workflowBundle).toBe(mine);
  expect(bundle.workflowsPath).toBeUndefined();
  expect(plugin.configureReplayWorker({}).workflowBundle).toEqual({ codePath });
});

it('leaves out what it is told to', () => {
  const host = new HoldfastPlugin(loaded.config, { workflows: false });
  expect(host.configureWorker({ taskQueue }).workflowBundle).toBeUndefined();
  const workflows = new HoldfastPlugin(loaded.config, { activities: false });
  const options = workflows.configureWorker({ taskQueue });
  expect(options.activities ?? {}).toEqual({});
  expect(options.interceptors).toBeUndefined();
});

it('may be attached to the connection and the worker both, without clashing with itself', () => {
  const plugin = new HoldfastPlugin(loaded.config);
  const once = plugin.configureWorker({ taskQueue });
  expect(() => plugin.configureWorker(once)).not.toThrow();
});
