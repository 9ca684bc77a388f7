/**
 * The DHCP server of one network: a namespace with a device on br-int, and dnsmasq in it. What concerns one client is
 * in entry.ts. Addresses are given by entry alone: an unknown MAC address gets nothing.
 */

import { type Address, type HostObject, type Link, objectKey, type Process } from '../../host/objects.ts'
import { netmask, parseCidr } from '../../lib/addresses.ts'
import type { DhcpEntryDocument, SubnetPart } from '../../model/documents/documents.ts'
import { subnetOptions } from './options.ts'
import { isIn, portTag, type Served, servedSubnets, subnetTag } from './served.ts'
import type { DhcpSettings } from './settings.ts'
import { dnsName } from './text.ts'

/**
 * `entries` are those that the server itself must know (other DHCP ports, clients with options of their own), not all
 * clients: a plain one that comes changes nothing here.
 */
export function serverPiece(
  settings: DhcpSettings,
  served: Served,
  entries: readonly DhcpEntryDocument[],
): HostObject[] {
  const subnets = servedSubnets(settings, served.network)
  const { files, namespace } = served
  const link = linkOf(settings, served)
  const space: HostObject = { kind: 'namespace', name: namespace }
  const leases: HostObject = { kind: 'lease-file', path: files.leases, process: served.process }
  return [
    space,
    link,
    ...addresses(served),
    ...defaultRoutes(settings, served),
    ...(settings.ipv6 ? [noRouterAdvertisements(served)] : []),
    {
      kind: 'ovs-port',
      bridge: settings.integrationBridge,
      name: served.device,
      type: '',
      externalIds: {
        'iface-id': served.port.id,
        'iface-status': 'active',
        'attached-mac': served.port.mac_address,
      },
    },
    { kind: 'directory', path: files.directory, mode: 0o755 },
    { kind: 'directory', path: files.hosts, mode: 0o755 },
    { kind: 'directory', path: files.names, mode: 0o755 },
    { kind: 'directory', path: files.options, mode: 0o755 },
    {
      kind: 'file',
      path: `${files.options}/network`,
      content: subnetOptions(settings, served, entries),
      mode: 0o644,
      notify: { process: served.process, signal: 'SIGHUP', on: ['update'] },
    },
    leases,
    dnsmasq(settings, served, subnets, entries, [space, link, leases].map(objectKey)),
  ]
}

function linkOf(settings: DhcpSettings, served: Served): Link {
  return {
    kind: 'link',
    namespace: served.namespace,
    name: served.device,
    type: 'veth',
    peer: { namespace: null, name: served.device },
    mac: served.port.mac_address,
    mtu: served.network.mtu,
    up: true,
    checksumInSoftware: settings.checksumInSoftware,
  }
}

function addresses(served: Served): Address[] {
  return served.port.fixed_ips.flatMap(({ subnet_id, ip_address }) => {
    const subnet = served.network.subnets.find((each) => each.id === subnet_id)
    const prefix = subnet && parseCidr(subnet.cidr)?.prefixlen
    if (prefix === undefined) return []
    const cidr = `${ip_address}/${prefix}`
    return [{ kind: 'address', namespace: served.namespace, link: served.device, cidr } as const]
  })
}

/**
 * So that clients behind a router get answers of the name server, and it those of others. A gateway outside of its
 * subnet is on the link.
 */
function defaultRoutes(settings: DhcpSettings, served: Served): HostObject[] {
  const own = new Set(served.port.fixed_ips.map((fixed) => fixed.subnet_id))
  const { namespace, device: link } = served
  return [4, ...(settings.ipv6 ? [6] : [])].flatMap((version): HostObject[] => {
    const subnet = served.network.subnets.find(
      (each) => own.has(each.id) && each.ip_version === version && each.gateway_ip !== null,
    )
    if (!subnet || subnet.gateway_ip === null) return []
    const via = subnet.gateway_ip
    const onLink: HostObject = { kind: 'route', namespace, destination: via, via: null, link }
    return [
      ...(isIn(via, subnet) ? [] : [onLink]),
      { kind: 'route', namespace, destination: 'default', via, link },
    ]
  })
}

/** What a tenant advertises must not give the server addresses or routes. */
function noRouterAdvertisements(served: Served): HostObject {
  const key = `net.ipv6.conf.${served.device}.accept_ra`
  return { kind: 'sysctl', namespace: served.namespace, key, value: '0' }
}

function dnsmasq(
  settings: DhcpSettings,
  served: Served,
  subnets: readonly SubnetPart[],
  entries: readonly DhcpEntryDocument[],
  needs: readonly string[],
): Process {
  const { files, network } = served
  const domain = dnsName(network.dns_domain)
  return {
    kind: 'process',
    id: served.process,
    namespace: served.namespace,
    needs,
    argv: [
      'dnsmasq',
      '--keep-in-foreground',
      ...(settings.user === null ? [] : [`--user=${settings.user}`]),
      '--no-hosts',
      ...(settings.localResolv ? [] : ['--no-resolv']),
      `--pid-file=${files.pid}`,
      `--dhcp-hostsdir=${files.hosts}`,
      `--hostsdir=${files.names}`,
      `--dhcp-optsdir=${files.options}`,
      `--dhcp-leasefile=${files.leases}`,
      '--dhcp-match=set:ipxe,175',
      '--dhcp-userclass=set:ipxe6,iPXE',
      '--except-interface=lo',
      '--bind-dynamic',
      `--interface=${served.device}`,
      ...subnets.map((subnet) => rangeOf(settings, subnet)),
      `--dhcp-option-force=option:mtu,${network.mtu}`,
      `--dhcp-lease-max=${Math.max(1, leaseMax(settings, subnets))}`,
      `--conf-file=${settings.configFile ?? '/dev/null'}`,
      ...(settings.broadcastReply ? ['--dhcp-broadcast'] : []),
      ...(domain === undefined ? [] : [`--domain=${domain}`]),
      ...settings.dnsServers.map((server) => `--server=${server}`),
      ...entries
        .filter((entry) => entry.extra_dhcp_opts.length > 0)
        .map((entry) => `--dhcp-mac=set:${portTag(entry.id)},${entry.mac_address}`)
        .sort(),
    ],
  }
}

function rangeOf(settings: DhcpSettings, subnet: SubnetPart): string {
  const cidr = parseCidr(subnet.cidr)
  if (cidr === undefined) throw new TypeError(`subnet ${subnet.id} has the cidr ${subnet.cidr}`)
  const mask = cidr.version === 4 ? netmask(cidr) : String(cidr.prefixlen)
  const lease = settings.leaseDuration === -1 ? 'infinite' : `${settings.leaseDuration}s`
  return `--dhcp-range=set:${subnetTag(subnet.id)},${cidr.network},static,${mask},${lease}`
}

function leaseMax(settings: DhcpSettings, subnets: readonly SubnetPart[]): number {
  let possible = 0n
  for (const subnet of subnets) {
    const cidr = parseCidr(subnet.cidr)
    if (cidr !== undefined) possible += cidr.last - cidr.first + 1n
  }
  return Number(possible < BigInt(settings.leaseMax) ? possible : BigInt(settings.leaseMax))
}
