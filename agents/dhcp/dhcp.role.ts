/**
 * The DHCP agent's role. A network is served while a DHCP port of it is bound to this host. Pieces:
 * `dhcp/network/<id>` for the server, `dhcp/entry/<port id>` for each client.
 */
import type { DhcpEntryDocument } from '../../model/documents/documents.ts'
import type { Role, View } from '../daemon/role.ts'
import { entryPiece } from './entry.ts'
import { needsServer, type Served, servedBy } from './served.ts'
import { serverPiece } from './server.ts'
import type { DhcpSettings } from './settings.ts'

const ofNetwork = 'dhcp/network/'
const ofEntry = 'dhcp/entry/'

/**
 * One server a network, by the first (by id) of its DHCP ports that are bound here. `availabilityZone` is [agent]
 * availability_zone, as /v2.0/agents shows it.
 */
export function dhcpRole(settings: DhcpSettings, availabilityZone: string | null): Role {
  return {
    name: 'dhcp',
    always: [],

    agent(view) {
      const served = view.documents.all('network').filter((network) => serving(view, settings, network.id))
      return {
        agent_type: 'DHCP agent',
        binary: 'neutron-dhcp-agent',
        availability_zone: availabilityZone,
        configurations: {
          dhcp_driver: 'neutron.agent.linux.dhcp.Dnsmasq',
          dhcp_lease_duration: settings.leaseDuration,
          log_agent_heartbeats: false,
          networks: served.length,
          subnets: served.reduce((sum, network) => sum + network.subnets.length, 0),
          ports: served.reduce(
            (sum, network) => sum + view.documents.ofNetwork('dhcp-entry', network.id).length,
            0,
          ),
        },
      }
    },

    *affected(view, { documents }) {
      for (const { type, id, before, after } of documents) {
        if (type === 'network') yield* wholeNetwork(view, id)
        for (const envelope of [before, after]) {
          if (envelope?.type === 'port' && envelope.body.device_owner === 'network:dhcp') {
            yield* wholeNetwork(view, envelope.body.network_id)
          }
          if (envelope?.type === 'dhcp-entry') {
            yield ofEntry + id
            if (concernsServer(envelope.body)) yield ofNetwork + envelope.body.network_id
          }
        }
      }
    },

    piece(view, id) {
      if (id.startsWith(ofNetwork)) {
        const served = serving(view, settings, id.slice(ofNetwork.length))
        if (served === undefined) return []
        const entries = view.documents.ofNetwork('dhcp-entry', served.network.id).filter(concernsServer)
        return serverPiece(settings, served, entries)
      }
      const entry = view.documents.get('dhcp-entry', id.slice(ofEntry.length))
      const served = entry && serving(view, settings, entry.network_id)
      return entry === undefined || served === undefined ? [] : entryPiece(settings, served, entry)
    },

    *concerned(view, pieceId) {
      if (pieceId.startsWith(ofEntry)) yield pieceId.slice(ofEntry.length)
      else
        for (const entry of view.documents.ofNetwork('dhcp-entry', pieceId.slice(ofNetwork.length))) {
          yield entry.id
        }
    },

    fact(view, portId, standing) {
      const entry = view.documents.get('dhcp-entry', portId)
      if (entry === undefined || entry.device_owner.startsWith('network:')) return undefined
      const settled = [ofNetwork + entry.network_id, ofEntry + portId].every(
        (id) => standing(id) === 'settled',
      )
      return settled ? { kind: 'dhcp-served', port_id: portId, generation: entry.generation } : undefined
    },
  }
}

function* wholeNetwork(view: View, networkId: string): Iterable<string> {
  yield ofNetwork + networkId
  for (const entry of view.documents.ofNetwork('dhcp-entry', networkId)) yield ofEntry + entry.id
}

/** Entries that the server's own piece speaks of: other servers, and clients with options of their own. */
function concernsServer(entry: DhcpEntryDocument): boolean {
  return entry.device_owner === 'network:dhcp' || entry.extra_dhcp_opts.length > 0
}

/** How this host serves the network; undefined when it does not. */
function serving(view: View, settings: DhcpSettings, networkId: string): Served | undefined {
  const network = view.documents.get('network', networkId)
  if (network === undefined || !needsServer(network)) return undefined
  const [port] = view.documents
    .ofNetwork('port', networkId)
    .filter(
      (each) =>
        each.device_owner === 'network:dhcp' && each.bindings.some((binding) => binding.host === view.host),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  return port && servedBy(settings, network, port)
}
