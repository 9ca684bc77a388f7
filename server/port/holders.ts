/** Who keeps a port from being deleted, as columns that come with the port's row: trunks and local IPs. */
import { type RawBuilder, sql } from 'kysely'
import { portInUseAsSubPort, portInUseAsTrunkParent, servicePortInUse } from '../../lib/errors.ts'

/** Null where nobody holds it in that way. */
export const holderColumns: Record<string, () => RawBuilder<string | null>> = {
  trunk_id: () => sql`(select t.id from trunks t where t.port_id = ports.id)`,
  local_ip_id: () => sql`(select min(l.id) from local_ips l where l.local_port_id = ports.id)`,
  subport_of: () => sql`(select s.trunk_id from subports s where s.port_id = ports.id)`,
}

/** Throws PortInUseAsTrunkParent, PortInUseAsSubPort, ServicePortInUse. */
export function requireNotHeld(port: Readonly<Record<string, unknown>> & { id: string }): void {
  const { trunk_id: trunk, subport_of: parent, local_ip_id: localIp } = port
  if (typeof trunk === 'string') throw portInUseAsTrunkParent(port.id, trunk)
  if (typeof parent === 'string') throw portInUseAsSubPort(port.id, parent)
  if (typeof localIp === 'string') throw servicePortInUse(port.id, 'still referenced by Local IPs')
}
