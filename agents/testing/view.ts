/** A view of a host for tests of roles. */
import type { Plug } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'
import type { Envelope } from '../../model/documents/documents.ts'
import { documentSet } from '../daemon/documents.ts'
import type { Role, View } from '../daemon/role.ts'
import { envelope } from './documents.ts'

/** A host called host-a that holds these documents and has these ports plugged. */
export function testView(envelopes: readonly Envelope[], pluggedPorts: readonly string[] = []): View {
  const documents = documentSet()
  documents.change(envelopes, [])
  return {
    host: 'host-a',
    documents,
    plugs: new Map(pluggedPorts.map((id) => [id, plugOf(id)])),
    bridges: new Set(['br-int', 'br-tun', 'br-ex']),
  }
}

export function plugOf(portId: string): Plug {
  return { portId, device: `tap${portId.slice(0, 4)}${portId.slice(-4)}`, mac: null, ofport: 7 }
}

/** All that a role wants on the host of a view, by piece. */
export function piecesOf(role: Role, view: View): Map<string, HostObject[]> {
  const documents = (['network', 'port', 'dhcp-entry', 'tunnel-endpoint'] as const).flatMap((type) =>
    view.documents.all(type).map((body) => {
      const after = envelope(type, body)
      return { type, id: body.id, before: undefined, after }
    }),
  )
  const ids = new Set([...role.always, ...role.affected(view, { documents, plugs: view.plugs.keys() })])
  const pieces = Array.from(ids, (id): [string, HostObject[]] => [id, role.piece(view, id)])
  return new Map(pieces.filter(([, objects]) => objects.length > 0))
}
