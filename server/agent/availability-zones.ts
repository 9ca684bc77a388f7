/** Availability zones: what agents report, by the kind of resource that they can host. */
import type { Resource } from '../../model/resource.ts'
import type { ComputedFeature } from '../resource.ts'

const hosted: Readonly<Record<string, string>> = { 'DHCP agent': 'network', 'L3 agent': 'router' }

/** A zone is available while one of its agents is switched on. */
export function availabilityZones(resource: Resource): ComputedFeature {
  return {
    resource,
    async list(tx) {
      const rows = await tx.db
        .selectFrom('agents')
        .select((eb) => ['availability_zone', 'agent_type', eb.fn.max('admin_state_up').as('up')])
        .where('availability_zone', 'is not', null)
        .where('agent_type', 'in', Object.keys(hosted))
        .groupBy(['availability_zone', 'agent_type'])
        .orderBy('availability_zone')
        .orderBy('agent_type')
        .execute()
      return rows.map((row) => ({
        name: row.availability_zone,
        resource: hosted[row.agent_type],
        state: Number(row.up) === 1 ? 'available' : 'unavailable',
      }))
    },
  }
}
