import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { parseAgentConf } from '../../controller/agent-conf';
import { readReport, type AgentReport } from './agent-report';

export type { AgentReport };

/**
 * A small real agent, as a unit of the supervisor: `agent.js AGENT_CONF REPORT`. It reads agent.conf,
 * connects to the address and with the credentials written there, reads every second and never
 * writes to the database. What it saw stands in the report file. It exits with status 1 when it
 * can't connect or read; the supervisor starts it again.
 */
async function main(agentConf: string, reportFile: string): Promise<void> {
  const conf = parseAgentConf(await readFile(agentConf, 'utf8'), agentConf);
  const host = /^(.+):\d+$/.exec(conf.apiAddresses[0] ?? '')?.[1];
  if (host === undefined || conf.statePort === undefined || conf.statePassword === undefined) {
    throw new Error(`${agentConf} names no address, port or password of mongod`);
  }
  const address = `${host}:${conf.statePort}`;
  const client = new MongoClient(`mongodb://${address}/`, {
    appName: 'jujud',
    directConnection: true,
    tls: true,
    ...(conf.caCert === undefined ? {} : { ca: conf.caCert }),
    auth: { username: conf.tag, password: conf.statePassword.reveal() },
    authSource: 'admin',
    serverSelectionTimeoutMS: 2000,
  });
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stopped.abort());
  }
  try {
    await client.connect();
    const juju = client.db('juju');
    const connectedSince = new Date().toISOString();
    const connectedCount = ((await readReport(reportFile))?.connectedCount ?? 0) + 1;
    while (!stopped.signal.aborted) {
      const controller = await juju
        .collection<{ _id: string }>('controllers')
        .findOne({ _id: 'e' });
      if (controller === null) throw new Error('the database knows no controller');
      const names = ['models', 'machines', 'units', 'applications'];
      const counts = await Promise.all(names.map((name) => juju.collection(name).countDocuments()));
      const report: AgentReport = {
        v: 1,
        pid: process.pid,
        address,
        modelUuid: conf.modelUuid,
        connectedSince,
        lastRead: new Date().toISOString(),
        documents: counts.reduce((sum, count) => sum + count, 1),
        connectedCount,
      };
      const next = `${reportFile}.${process.pid}`;
      await writeFile(next, `${JSON.stringify(report)}\n`, { mode: 0o600 });
      await rename(next, reportFile);
      await delay(1000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  } finally {
    await client.close();
  }
}

if (require.main === module) {
  main(process.argv[2] ?? '', process.argv[3] ?? '').catch((error: unknown) => {
    process.stderr.write(`${new Date().toISOString()} agent: ${String(error)}\n`);
    process.exitCode = 1;
  });
}
