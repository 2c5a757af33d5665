import type { WorkflowHandle } from '@temporalio/client';

/** The activities of a backup whose only purpose is proof. */
const verifyingSteps = ['inspectRope', 'verifyStored'];

/** What a workflow's history says of it. */
export interface HistoryFacts {
  readonly events: number;
  readonly bytes: number;
  /** Seconds that the proving activities took. */
  readonly verifying: number;
  /** Seconds that each activity took. */
  readonly steps: Readonly<Record<string, number>>;
}

type EventTime = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;

function secondsOf(time: EventTime): number {
  return Number(time?.seconds ?? 0) + (time?.nanos ?? 0) / 1e9;
}

/** Reads a closed workflow's history. */
export async function historyFacts(handle: WorkflowHandle): Promise<HistoryFacts> {
  const { raw } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const names = new Map<string, string>();
  const started = new Map<string, number>();
  const steps: Record<string, number> = {};
  for (const event of events ?? []) {
    const at = secondsOf(event.eventTime);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) names.set(String(event.eventId), scheduled.activityType?.name ?? '');
    const begun = event.activityTaskStartedEventAttributes;
    if (begun) started.set(String(begun.scheduledEventId), at);
    const completed = event.activityTaskCompletedEventAttributes;
    if (!completed) continue;
    const id = String(completed.scheduledEventId);
    steps[names.get(id) ?? ''] = at - (started.get(id) ?? at);
  }
  const info = raw.workflowExecutionInfo;
  return {
    events: Number(info?.historyLength ?? 0),
    bytes: Number(info?.historySizeBytes ?? 0),
    verifying: verifyingSteps.reduce((sum, name) => sum + (steps[name] ?? 0), 0),
    steps,
  };
}
