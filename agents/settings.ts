/** What the roles are told of their host: from configuration files in Neutron's names, and from the host itself. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { detectDatapath } from '../host/ovs/daemons.ts'
import { readConfigFiles } from '../runtime/config/load.ts'
import {
  type DhcpAgentConfig,
  dhcpAgentSections,
  type L2AgentConfig,
  l2AgentSections,
  loadRoleConfig,
} from '../runtime/config/roles.ts'
import type { Logger } from '../runtime/log.ts'
import type { DhcpSettings } from './dhcp/settings.ts'
import type { L2Settings } from './l2/settings.ts'

export interface AgentConfig {
  l2: L2AgentConfig
  dhcp: DhcpAgentConfig
}

/** Reads the files for both roles. Throws ConfigError; unknown options are logged, once each. */
export async function readAgentConfig(paths: readonly string[], log: Logger): Promise<AgentConfig> {
  const sources = { files: await readConfigFiles(paths), environment: process.env }
  const l2 = loadRoleConfig(l2AgentSections, sources)
  const dhcp = loadRoleConfig(dhcpAgentSections, sources)
  const warnings = new Map([...l2.warnings, ...dhcp.warnings].map((each) => [each.where, each.message]))
  for (const [where, message] of warnings) log.warn({ where }, message)
  for (const name of ['enable_isolated_metadata', 'force_metadata'] as const) {
    if (!dhcp.values.DEFAULT[name]) continue
    log.warn({ where: `[DEFAULT] ${name}` }, 'metadata is not served yet, and no route to it is announced')
  }
  if (dhcp.values.DEFAULT.dnsmasq_base_log_dir) {
    log.warn({ where: '[DEFAULT] dnsmasq_base_log_dir' }, 'queries are not logged there')
  }
  return { l2: l2.values, dhcp: dhcp.values }
}

/** Without [ovs] local_ip there are no tunnels; without datapath_type, the host is looked at for what it can do. */
export async function l2SettingsOf({ ovs, agent }: L2AgentConfig): Promise<L2Settings> {
  return {
    integrationBridge: ovs.integration_bridge,
    tunnelBridge: ovs.tunnel_bridge,
    integrationPatch: ovs.int_peer_patch_port,
    tunnelPatch: ovs.tun_peer_patch_port,
    datapathType: ovs.datapath_type ?? (await detectDatapath()),
    bridgeMappings: ovs.bridge_mappings,
    localIp: ovs.local_ip,
    tunnelTypes: ovs.local_ip === null ? [] : agent.tunnel_types,
    vxlanUdpPort: agent.vxlan_udp_port,
    dontFragment: agent.dont_fragment,
    tunnelChecksum: agent.tunnel_csum,
  }
}

/** `runDir`: the host's, under which each network gets its directory. */
export function dhcpSettingsOf(
  config: DhcpAgentConfig,
  datapath: L2Settings['datapathType'],
  runDir: string,
): DhcpSettings {
  const { DEFAULT: common, dhcp, ovs } = config
  return {
    integrationBridge: ovs.integration_bridge,
    checksumInSoftware: datapath === 'netdev',
    directory: join(runDir, 'dhcp'),
    user: everyoneCanPass(runDir) ? null : 'root',
    leaseDuration: common.dhcp_lease_duration,
    leaseMax: common.dnsmasq_lease_max,
    dnsServers: common.dnsmasq_dns_servers,
    localResolv: common.dnsmasq_local_resolv,
    configFile: common.dnsmasq_config_file || null,
    broadcastReply: common.dhcp_broadcast_reply,
    renewalTime: dhcp.dhcp_renewal_time,
    rebindingTime: dhcp.dhcp_rebinding_time,
    ipv6: dhcp.enable_ipv6 && existsSync('/proc/sys/net/ipv6'),
  }
}

/** dnsmasq gives up root, and then reads its files again. */
function everyoneCanPass(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}
