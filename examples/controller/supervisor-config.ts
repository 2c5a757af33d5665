import { z } from 'zod';

/** How a unit of the supervisor is run. */
const unitSchema = z.object({
  program: z.string(),
  args: z.array(z.string()),
  /** Where stdout and stderr are appended. */
  log: z.string(),
  /** Whether it is started with the supervisor, as an enabled unit is at boot. */
  enabled: z.boolean(),
});

/** What a supervisor reads when it starts: `supervisor.js CONFIG`. */
export const supervisorConfigSchema = z.object({
  /** Path of the control socket (controller/supervisor-protocol). */
  socket: z.string(),
  /** Directory for masks.json and pids.json. */
  state: z.string(),
  units: z.record(z.string(), unitSchema),
});

export type UnitDefinition = z.infer<typeof unitSchema>;
export type SupervisorConfig = z.infer<typeof supervisorConfigSchema>;
