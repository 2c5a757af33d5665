import { z } from 'zod';
import { StepResult } from '../workspace/step-result';
import { stagePlanSchema } from './stage-plan-schema';

const loadedSchema = z.object({
  plan: stagePlanSchema,
  collections: z.number(),
  documents: z.number(),
  oplogEntries: z.number(),
});

/** Where each collection is staged: decided by the first attempt, kept by the others. */
export function stagePlanOf(step: string): StepResult<z.infer<typeof stagePlanSchema>> {
  return new StepResult(step, stagePlanSchema);
}

/** The plan as the oplog window left it, and what was loaded. */
export function loadResultOf(step: string): StepResult<z.infer<typeof loadedSchema>> {
  return new StepResult(step, loadedSchema);
}

/** What was loaded beside the live data. */
export const loadResult = loadResultOf('load');
