/**
 * Which options each role of a process has. Configuration is per role: `[agent] extensions` means different things
 * to the L2 and the DHCP agent.
 */
import { type ConfigSources, type Loaded, loadConfig } from './load.ts'
import type { Sections, Values } from './option.ts'
import {
  apiOptions,
  databaseOptions,
  keystoneOptions,
  middlewareOptions,
  nucleonAgentOptions,
  nucleonOptions,
  policyOptions,
} from './options/api.ts'
import { commonOptions } from './options/common.ts'
import {
  dhcpAgentOptions,
  dhcpOptions,
  dhcpTimingOptions,
  flatOptions,
  geneveOptions,
  greOptions,
  l2AgentOptions,
  ml2Options,
  networkingOptions,
  ovsOptions,
  quotaOptions,
  vlanOptions,
  vxlanOptions,
} from './options/networking.ts'
import { isUnused } from './unused.ts'

/** neutron.conf and ml2_conf.ini, read by the server. */
export const serverSections = {
  DEFAULT: { ...commonOptions, ...apiOptions, ...networkingOptions },
  database: databaseOptions,
  oslo_middleware: middlewareOptions,
  oslo_policy: policyOptions,
  keystone_authtoken: keystoneOptions,
  ml2: ml2Options,
  ml2_type_flat: flatOptions,
  ml2_type_vlan: vlanOptions,
  ml2_type_gre: greOptions,
  ml2_type_vxlan: vxlanOptions,
  ml2_type_geneve: geneveOptions,
  quotas: quotaOptions,
  nucleon: nucleonOptions,
} satisfies Sections

/** openvswitch_agent.ini, read by the L2 agent. */
export const l2AgentSections = {
  DEFAULT: commonOptions,
  ovs: ovsOptions,
  agent: l2AgentOptions,
  nucleon: nucleonAgentOptions,
} satisfies Sections

/** dhcp_agent.ini, read by the DHCP agent. `dns_domain` and the lease duration come from neutron.conf. */
export const dhcpAgentSections = {
  DEFAULT: {
    ...commonOptions,
    ...dhcpOptions,
    dns_domain: networkingOptions.dns_domain,
    dhcp_lease_duration: networkingOptions.dhcp_lease_duration,
  },
  agent: dhcpAgentOptions,
  dhcp: dhcpTimingOptions,
  ovs: { integration_bridge: ovsOptions.integration_bridge },
} satisfies Sections

export type ServerConfig = Values<typeof serverSections>
export type L2AgentConfig = Values<typeof l2AgentSections>
export type DhcpAgentConfig = Values<typeof dhcpAgentSections>

const roles: readonly Sections[] = [serverSections, l2AgentSections, dhcpAgentSections]

/** True for an option that some role has, or that Neutron has and Nucleon does without. */
export function isKnownOption(section: string, name: string): boolean {
  return roles.some((sections) => sections[section]?.[name] !== undefined) || isUnused(section, name)
}

/** loadConfig for one role: files may hold the options of the other roles as well. */
export function loadRoleConfig<S extends Sections>(
  sections: S,
  sources: Omit<ConfigSources, 'isKnown'>,
): Loaded<S> {
  return loadConfig(sections, { ...sources, isKnown: isKnownOption })
}
