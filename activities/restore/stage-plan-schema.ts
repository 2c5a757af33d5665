import { z } from 'zod';

const stagedCollectionSchema = z.object({
  n: z.number(),
  database: z.string(),
  name: z.string(),
  stage: z.string(),
  // Plans of before time series were loaded have none.
  series: z.boolean().default(false),
  documents: z.number(),
  bytes: z.number(),
  options: z.string(),
  idIndex: z.string().nullable(),
  capped: z.boolean(),
  ttl: z.string().nullable(),
  indexes: z.array(z.object({ name: z.string(), spec: z.string(), ttl: z.boolean() })),
  fromWindow: z.boolean(),
  dropped: z.boolean(),
});

/** Schema of mongo's StagePlan, as it survives a process in the run directory. */
export const stagePlanSchema = z.object({
  v: z.literal(1),
  nextNumber: z.number(),
  collections: z.array(stagedCollectionSchema),
  views: z.array(z.object({ database: z.string(), name: z.string(), definition: z.string() })),
});
