import { z } from 'zod';
import type { UploadState } from '../storage/contract';

/** What a storage reports of an upload, as a checkpoint keeps it. */
export const uploadStateSchema: z.ZodType<UploadState> = z.object({
  v: z.literal(1),
  type: z.string(),
  acknowledged: z.number(),
  detail: z.record(z.string(), z.union([z.string(), z.number()])),
});
