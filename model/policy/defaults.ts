/** The default policy: the rules of everything that is declared. */
import type { DefaultRule } from './default-rule.ts'
import { addressGroupRules } from './rules/address-group.rules.ts'
import { agentRules } from './rules/agent.rules.ts'
import { availabilityRules } from './rules/availability.rules.ts'
import { baseRules } from './rules/base.rules.ts'
import { bindingRules } from './rules/binding.rules.ts'
import { flavorRules } from './rules/flavors.rules.ts'
import { localIpRules } from './rules/local-ip.rules.ts'
import { loggingRules } from './rules/logging.rules.ts'
import { meteringRules } from './rules/metering.rules.ts'
import { networkRules } from './rules/network.rules.ts'
import { portRules } from './rules/port.rules.ts'
import { portExtrasRules } from './rules/port-extras.rules.ts'
import { qosPolicyRules } from './rules/qos.rules.ts'
import { quotaRules } from './rules/quota.rules.ts'
import { rbacRules } from './rules/rbac.rules.ts'
import { securityGroupRules } from './rules/security-group.rules.ts'
import { segmentRules } from './rules/segment.rules.ts'
import { subnetRules } from './rules/subnet.rules.ts'
import { subnetpoolRules } from './rules/subnetpool.rules.ts'
import { trunkRules } from './rules/trunk.rules.ts'

export const defaultRules: readonly DefaultRule[] = [
  ...baseRules,
  ...networkRules,
  ...subnetRules,
  ...subnetpoolRules,
  ...segmentRules,
  ...availabilityRules,
  ...portRules,
  ...portExtrasRules,
  ...bindingRules,
  ...agentRules,
  ...rbacRules,
  ...meteringRules,
  ...qosPolicyRules,
  ...trunkRules,
  ...flavorRules,
  ...loggingRules,
  ...localIpRules,
  ...quotaRules,
  ...securityGroupRules,
  ...addressGroupRules,
]
