/**
 * Numbers of the flow tables, Neutron's where it has them, and how flows are written.
 *
 *   br-int   0 ─ port with security ─> 24 ARP and ND ─> 25 MAC ─> 60 NORMAL        br-tun   0 ─ from br-int ─> 2 ─> 20 ─> 22 ─> 3x
 *            0 ─ other wired port ───────────────────────────────> 60                        0 ─ from a tunnel ─> 3, 4, 6 ─> 10 ─> br-int
 *            0 ─ from br-tun or a provider bridge ───────────────> 60
 */
import type { Flow } from '../../host/objects.ts'
import type { TunnelType } from './settings.ts'

export const intTables = { local: 0, canary: 23, arpSpoof: 24, macSpoof: 25, transient: 60 } as const

export const tunTables = { start: 0, patchToTunnel: 2, learn: 10, unicast: 20, flood: 22 } as const

/** Table that frames out of a tunnel of this type enter. */
export const ingressTable: Record<TunnelType, number> = { gre: 3, vxlan: 4, geneve: 6 }

/** Table whose one flow sends to all tunnels of this type: the ingress table's number with a 3 before it. */
export const floodListTable: Record<TunnelType, number> = { gre: 33, vxlan: 34, geneve: 36 }

/** Matches frames without a VLAN tag. */
export const untagged = 'vlan_tci=0x0000/0x1fff'

/** Where a flow stands: bridge, table, priority. */
export type Place = readonly [bridge: string, table: number, priority: number]

/** `match` in the order in which ovs-ofctl prints fields. */
export function flow([bridge, table, priority]: Place, match: string, actions: string): Flow {
  return { kind: 'flow', bridge, table, priority, match, actions }
}

/** The action that goes on in that table of the same bridge; actions after it still run. */
export function goTo(table: number): string {
  return `resubmit(,${table})`
}
