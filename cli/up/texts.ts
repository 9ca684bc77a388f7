/** The files that `up` writes, as pure text: configuration, clouds.yaml, the first users and projects. */
import type { Cloud } from '../../client/http.ts'
import { type CloudName, cloudNames, type Secrets } from '../state/layout.ts'

/** The host's own address on br-ex, and the range around it: what a floating IP is taken from. */
export const publicAddress = '172.24.4.1'
export const publicCidr = '172.24.4.0/24'

export interface Settings {
  host: string
  datapath: 'system' | 'netdev'
  /** Where tunnels of this host end. */
  localIp: string
}

/** nucleon.conf, in Neutron's sections and names; server and agents read the same file. */
export function configText({ host, datapath, localIp }: Settings): string {
  return `# Written by \`nucleon up\` at each start. Your own settings belong in local.conf beside it, which is read after.
[DEFAULT]
host = ${host}
auth_strategy = embedded
dns_domain = cloud.internal
dhcp_agents_per_network = 1
service_plugins = local_ip,log,metering,network_segment_range,qos,segments,trunk

[ml2]
type_drivers = local,flat,vlan,gre,vxlan,geneve
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security,dns

[ml2_type_flat]
flat_networks = public

[ml2_type_vlan]
network_vlan_ranges = physnet1:100:199

[ml2_type_gre]
tunnel_id_ranges = 1:65535

[ml2_type_vxlan]
vni_ranges = 1:65535

[ml2_type_geneve]
vni_ranges = 1:65535

[ovs]
bridge_mappings = public:br-ex,physnet1:br-physnet1
local_ip = ${localIp}
datapath_type = ${datapath}

[agent]
tunnel_types = vxlan,gre,geneve
`
}

/** clouds.yaml as openstacksdk reads it. Names and generated passwords need no quoting beyond JSON's. */
export function cloudsText(clouds: readonly (readonly [CloudName, Cloud])[]): string {
  const entries = clouds.map(
    ([name, cloud]) => `  ${name}:
    auth:
      auth_url: ${JSON.stringify(cloud.authUrl)}
      username: ${JSON.stringify(cloud.username)}
      password: ${JSON.stringify(cloud.password)}
      project_name: ${JSON.stringify(cloud.projectName)}
      user_domain_id: ${JSON.stringify(cloud.domainId)}
      project_domain_id: ${JSON.stringify(cloud.domainId)}
    region_name: RegionOne
    identity_api_version: 3
`,
  )
  return `# The administrator, and two tenants: openstack --os-cloud blue network list\nclouds:\n${entries.join('')}`
}

/** What the embedded identity service makes at its start if it is not there. */
export function bootstrapDocument(secrets: Secrets): unknown {
  return {
    projects: cloudNames.map((name) => ({ name })),
    users: cloudNames.map((name) => ({ name, password: secrets[name] })),
    assignments: [
      ...cloudNames.map((name) => ({
        user: name,
        project: name,
        role: name === 'admin' ? 'admin' : 'member',
      })),
      { user: 'admin', system: 'all', role: 'admin' },
    ],
  }
}
