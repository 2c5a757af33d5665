import { mkdir, mkdtemp, readdir, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerWorkflowId, verifyWorkflowId } from '../../core/ids';
import { readAgentReport } from '../../examples/controller/run-controller';
import { agentUnitName, databaseUnitName } from '../../examples/controller/build-controller';
import { Site, type SiteOptions } from '../end-to-end/site';
import { captureSite, siteDifferences, type SiteState } from '../end-to-end/state';
import { until } from '../examples/until';
import type { Kind } from './plan';
import { Volumes } from './volumes';

/**
 * A site with a backup in its storage (`saved`), and a present that differs from it (`present`): so
 * that "restored" and "as it was" are two things.
 */
export class Ground {
  private constructor(
    readonly site: Site,
    readonly volumes: Volumes | undefined,
    readonly backupId: string,
    readonly saved: SiteState,
    readonly present: SiteState,
  ) {}

  static async build(options: {
    readonly seed: number;
    readonly mongod: '6.0' | '4.4';
    /** Bytes of documents. */
    readonly size: number;
    /** Volumes that can be full: only in a namespace where this process may mount. */
    readonly withVolumes: boolean;
    readonly site?: Pick<SiteOptions, 'heartbeatTimeout' | 'storages' | 'workerEnvironment'>;
  }): Promise<Ground> {
    const volumes = options.withVolumes ? new Volumes() : undefined;
    const site = await Site.start({
      ...options.site,
      mongod: options.mongod,
      seed: options.seed,
      size: options.size,
      keepFree: 0,
      prepare: async (directory) => volumes?.mount(directory),
    });
    try {
      await site.startWorkers();
      const saved = await captureSite(site);
      const backupId = await site.create('before the change');
      await change(site);
      return new Ground(site, volumes, backupId, saved, await captureSite(site));
    } catch (error) {
      await volumes?.unmount();
      await site.stop();
      throw error;
    }
  }

  /** The newest workflow of a kind; a verification is one of `backupId`. */
  workflow(kind: Kind): ReturnType<Site['temporal']['workflow']['getHandle']> {
    const { modelUuid } = this.site.example;
    const id =
      kind === 'verify'
        ? verifyWorkflowId(modelUuid, 'default', this.backupId)
        : controllerWorkflowId(modelUuid);
    return this.site.temporal.workflow.getHandle(id);
  }

  /** What keeps the site from being exactly in a state, with its services up and nothing left over. */
  async differences(state: SiteState): Promise<string[]> {
    const { site } = this;
    const found: string[] = [];
    for (const unit of [databaseUnitName, agentUnitName]) {
      const { active, masked } = await site.controller.services.state(unit);
      if (!active || masked) found.push(`${unit}: active ${active}, masked ${masked}`);
    }
    found.push(...siteDifferences(state, await captureSite(site)));
    found.push(...(await site.leftovers()).map((each) => `left over: ${each}`));
    if (found.length > 0) return found;
    await until('the agent', async () => {
      const { pid } = await site.controller.services.state(agentUnitName);
      return (await readAgentReport(site.example))?.pid === pid ? true : undefined;
    }).catch(() => found.push('the agent is not connected'));
    return found;
  }

  /** After a restore: the present is made again. */
  async changeAgain(): Promise<void> {
    await change(this.site);
  }

  /** Ids of the backups that are complete in the storage. */
  async backups(): Promise<string[]> {
    const { storage, modelUuid } = this.site.example;
    return await readdir(join(storage, modelUuid));
  }

  /** Removes a backup that has been judged: the volumes are small. */
  async forget(backupId: string): Promise<void> {
    const { storage, modelUuid } = this.site.example;
    await rm(join(storage, modelUuid, backupId), { recursive: true, force: true });
  }

  /** Copies logs, the workspace's journals and a workflow's history to a directory that stays. */
  async keepLogs(directory: string, kind: Kind): Promise<void> {
    await mkdir(directory, { recursive: true });
    const { site } = this;
    for (const name of ['host.log', 'workflow.log', 'temporal.log']) {
      await cp(join(site.directory, name), join(directory, name)).catch(() => undefined);
    }
    const to = await mkdtemp(join(directory, 'site-'));
    await cp(site.example.state, join(to, 'state'), {
      recursive: true,
      filter: (source) => !source.endsWith('.sock'),
    }).catch(() => undefined);
    await cp(site.example.workspace, join(to, 'workspace'), { recursive: true });
    const history = await this.workflow(kind)
      .fetchHistory()
      .catch(() => undefined);
    const text = JSON.stringify(history, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
    );
    await writeFile(join(directory, 'history.json'), text ?? '');
  }

  async stop(): Promise<void> {
    // Lazily, so that what still has files open there does not matter.
    await this.volumes?.unmount();
    await this.site.stop();
  }
}

/** One document more, one less, one changed, a collection and a file more, a file less. */
async function change(site: Site): Promise<void> {
  const { root, dataDir } = site.example;
  const client = site.database();
  try {
    const juju = client.db('juju');
    await juju.collection<{ _id: string; n: number }>('holdAfter').insertOne({ _id: 'a', n: 1 });
    const machines = juju.collection<{ _id: string }>('machines');
    const first = await machines.findOne({}, { sort: { _id: 1 } });
    if (first === null) throw new Error('the example has no machines');
    await machines.updateOne({ _id: first._id }, { $set: { after: 1 } });
    const settings = juju.collection<{ _id: string }>('settings');
    const last = await settings.findOne({}, { sort: { _id: -1 } });
    if (last !== null) await settings.deleteOne({ _id: last._id });
  } finally {
    await client.close();
  }
  const file = join(root, dataDir, 'tools', 'after');
  await writeFile(file, 'after\n', { mode: 0o640 });
  await utimes(file, 1_700_000_000, 1_700_000_000);
  await unlink(join(root, dataDir, 'nonce.txt')).catch(() => undefined);
}
