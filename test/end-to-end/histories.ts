import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { Site } from './site';

/** A message as it stands in a history: whose it is, and the version it carries. */
export interface HistoryMessage {
  readonly step: string;
  readonly v: unknown;
}

/** First arguments and answers of every step in the histories of all operations of a site. */
export async function runHistories(
  site: Site,
): Promise<{ scheduled: HistoryMessage[]; completed: HistoryMessage[] }> {
  const scheduled: HistoryMessage[] = [];
  const completed: HistoryMessage[] = [];
  for await (const { workflowId, runId } of site.temporal.workflow.list()) {
    const { events } = await site.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const names = new Map<string, string>();
    for (const event of events ?? []) {
      const asked = event.activityTaskScheduledEventAttributes;
      if (asked) {
        const step = asked.activityType?.name ?? '';
        names.set(String(event.eventId), step);
        scheduled.push({ step, v: versionOf(asked.input?.payloads) });
      }
      const answered = event.activityTaskCompletedEventAttributes;
      if (answered) {
        const step = names.get(String(answered.scheduledEventId)) ?? '';
        completed.push({ step, v: versionOf(answered.result?.payloads) });
      }
    }
  }
  return { scheduled, completed };
}

function versionOf(payloads: Payload[] | null | undefined): unknown {
  const payload = payloads?.[0];
  if (payload === undefined) return undefined;
  const message: unknown = defaultPayloadConverter.fromPayload(payload);
  return typeof message === 'object' && message !== null && 'v' in message ? message.v : undefined;
}
