import type { Environment } from '../config/environment';
import type { HoldfastConfig } from '../config/holdfast-config';
import { identifyHost, type HostIdentity } from '../controller/host-identity';

/**
 * Which machine this host is, by configuration, agent.conf or the workspace's host.json.
 * @throws HoldfastError HF-HOST-001, HF-HOST-003
 */
export function identifyThisHost(
  config: HoldfastConfig,
  environment: Environment,
): Promise<HostIdentity> {
  const { controller, workspace } = config;
  return identifyHost({
    configured: { modelUuid: controller.modelUuid, machine: controller.machine },
    root: controller.root,
    dataDir: controller.dataDir,
    workspace,
    machineId: environment.machineId ?? '',
  });
}
