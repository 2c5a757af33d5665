import { ProcessServices } from './process-services';
import type { Services } from './services';
import { runProgram, SystemdServices } from './systemd-services';

/** `controller.services` of holdfast.yaml. */
export type ServicesConfig =
  | { readonly type: 'systemd' }
  | {
      readonly type: 'process';
      /** Path of the supervisor's control socket. */
      readonly socket: string;
    };

/** The services of this host, as the configuration says they are run. */
export function openServices(config: ServicesConfig): Services {
  return config.type === 'systemd'
    ? new SystemdServices({ run: runProgram })
    : new ProcessServices({ socket: config.socket });
}
