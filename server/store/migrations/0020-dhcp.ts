/** Finds the DHCP ports of a network among thousands of others. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create index ports_dhcp on ports (network_id, device_id) where device_owner = 'network:dhcp'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
