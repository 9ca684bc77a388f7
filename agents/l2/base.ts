/**
 * What every Open vSwitch host has, whatever is bound to it: the bridges, the patch ports between them, and the flows
 * that do not name a network or a port. In br-int, what nobody has admitted is dropped. Provider bridges are their
 * operator's, and pieces of their own: one that is not there keeps down nobody but the ports that need it.
 */
import type { HostObject, OvsPort } from '../../host/objects.ts'
import { patchName } from './names.ts'
import { hasTunnels, type L2Settings } from './settings.ts'
import { flow, goTo, ingressTable, intTables, tunTables } from './tables.ts'

const multicast = 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00'
const unicastSource = 'dl_src=00:00:00:00:00:00/01:00:00:00:00:00'

/** br-tun, and what joins it to br-int, only where there are tunnels. */
export function basePiece(settings: L2Settings): HostObject[] {
  return [...integration(settings), ...(hasTunnels(settings) ? tunnels(settings) : [])]
}

function integration({ integrationBridge: bridge, datapathType }: L2Settings): HostObject[] {
  return [
    { kind: 'ovs-bridge', name: bridge, datapathType, failMode: 'secure' },
    flow([bridge, intTables.local, 0], '', 'drop'),
    flow([bridge, intTables.canary, 0], '', 'drop'),
    flow([bridge, intTables.arpSpoof, 0], '', 'drop'),
    flow([bridge, intTables.macSpoof, 0], '', 'drop'),
    flow([bridge, intTables.transient, 3], '', 'NORMAL'),
  ]
}

function tunnels(settings: L2Settings): HostObject[] {
  const { integrationBridge: int, tunnelBridge: tun, integrationPatch, tunnelPatch } = settings
  return [
    { kind: 'ovs-bridge', name: tun, datapathType: settings.datapathType, failMode: 'secure' },
    patch(int, integrationPatch, tunnelPatch),
    patch(tun, tunnelPatch, integrationPatch),
    flow([int, intTables.local, 3], `in_port={port:${integrationPatch}}`, goTo(intTables.transient)),
    flow([tun, tunTables.start, 0], '', 'drop'),
    flow([tun, tunTables.start, 1], `in_port={port:${tunnelPatch}}`, goTo(tunTables.patchToTunnel)),
    flow([tun, tunTables.patchToTunnel, 0], multicast, goTo(tunTables.flood)),
    ...settings.tunnelTypes.map((type) => flow([tun, ingressTable[type], 0], '', 'drop')),
    flow([tun, tunTables.learn, 1], unicastSource, `${learn},output:{port:${tunnelPatch}}`),
    flow([tun, tunTables.unicast, 0], '', goTo(tunTables.flood)),
    flow([tun, tunTables.flood, 0], '', 'drop'),
  ]
}

/**
 * Where a MAC address was seen is remembered with local VLAN and tunnel id both: neither a VLAN that another network
 * gets, nor equal ids of two tunnel types, can lead a frame astray. Learned flows bear no cookie, so they are not ours
 * to sweep.
 */
const learn = `learn(${[
  `table=${tunTables.unicast}`,
  'hard_timeout=300',
  'priority=1',
  'NXM_OF_VLAN_TCI[0..11]',
  'NXM_NX_TUN_ID[]',
  'NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]',
  'load:0->NXM_OF_VLAN_TCI[]',
  'output:OXM_OF_IN_PORT[]',
].join()})`

/** A provider bridge: joined with br-int, and silent towards it until a network is realised here. */
export function bridgePiece(
  { integrationBridge: int, datapathType }: L2Settings,
  bridge: string,
): HostObject[] {
  const inside = patchName('int-', bridge)
  const outside = patchName('phy-', bridge)
  return [
    { kind: 'ovs-bridge', name: bridge, datapathType, failMode: 'secure', foreign: true },
    patch(int, inside, outside),
    patch(bridge, outside, inside),
    flow([int, intTables.local, 2], `in_port={port:${inside}}`, 'drop'),
    flow([bridge, 0, 2], `in_port={port:${outside}}`, 'drop'),
    flow([bridge, 0, 0], '', 'NORMAL'),
  ]
}

function patch(bridge: string, name: string, peer: string): OvsPort {
  return { kind: 'ovs-port', bridge, name, type: 'patch', options: { peer } }
}
