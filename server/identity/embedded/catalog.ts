/** The catalogue: services with their endpoints, as tokens and GET /v3/auth/catalog show them. */
import type { ReadTx } from '../../store/store.ts'

export interface CatalogEntry {
  id: string
  type: string
  name: string
  endpoints: { id: string; interface: string; region: string; region_id: string; url: string }[]
}

/** Enabled endpoints of enabled services. */
export async function readCatalog(tx: ReadTx): Promise<CatalogEntry[]> {
  const rows = await tx.db
    .selectFrom('identity_services as s')
    .innerJoin('identity_endpoints as e', 'e.service_id', 's.id')
    .select(['s.id', 's.type', 's.name', 'e.id as endpoint_id', 'e.interface', 'e.region_id', 'e.url'])
    .where('s.enabled', '=', 1)
    .where('e.enabled', '=', 1)
    .orderBy('s.type')
    .orderBy('s.id')
    .orderBy('e.interface')
    .orderBy('e.id')
    .execute()
  const entries = new Map<string, CatalogEntry>()
  for (const row of rows) {
    const entry = entries.get(row.id) ?? { id: row.id, type: row.type, name: row.name, endpoints: [] }
    entry.endpoints.push({
      id: row.endpoint_id,
      interface: row.interface,
      region: row.region_id,
      region_id: row.region_id,
      url: row.url,
    })
    entries.set(row.id, entry)
  }
  return [...entries.values()]
}
