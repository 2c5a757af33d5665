import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const agentReportSchema = z.object({
  v: z.literal(1),
  pid: z.int(),
  /** Where agent.conf sent it, `host:port` of mongod. */
  address: z.string(),
  modelUuid: z.string(),
  /** ISO times. */
  connectedSince: z.string(),
  lastRead: z.string(),
  /** Documents it saw in the last round. */
  documents: z.int(),
  /** How many times an agent has connected since this report file exists. */
  connectedCount: z.int(),
});

/** What an example's agent saw last. */
export type AgentReport = z.infer<typeof agentReportSchema>;

/** Reads a report, which is replaced atomically; undefined before the first one. */
export async function readReport(file: string): Promise<AgentReport | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
  return agentReportSchema.parse(JSON.parse(text));
}
