import { z } from 'zod';

/**
 * What a supervisor of plain processes understands on its unix socket: one JSON object a line, one
 * answer a line, in order. It stands in for systemd where there is none.
 */
export const supervisorRequestSchema = z.object({
  v: z.literal(1),
  do: z.enum(['stop', 'start', 'mask', 'unmask', 'state']),
  unit: z.string().min(1).max(200),
});

/** Every answer carries the unit's state after the request; `stop` answers when the process is gone. */
export const supervisorAnswerSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    state: z.object({
      active: z.boolean(),
      masked: z.boolean(),
      pid: z.int().positive().optional(),
    }),
  }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);

export type SupervisorRequest = z.infer<typeof supervisorRequestSchema>;
export type SupervisorAnswer = z.infer<typeof supervisorAnswerSchema>;
