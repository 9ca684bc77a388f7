/** Reads, in one snapshot, what documents are now and what hosts have been told of them. */
import { grouped } from '../../lib/grouped.ts'
import { contentHash } from '../../model/documents/digest.ts'
import type { DocumentType } from '../../model/documents/documents.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Change, ReadTx } from '../store/store.ts'
import type { Derived, HostState, Told } from './plan.ts'
import type { DocumentSource, DocumentSources } from './sources.ts'

export interface Derivation {
  derived: Derived[]
  /** State of every host that is named in `derived`. */
  hosts: Map<string, HostState>
}

const toldOf = prepared('relay-told', (db, p: { type: string; ids: readonly string[] }, engine) =>
  db
    .selectFrom('host_documents')
    .select(['id', 'host', 'hash', 'present'])
    .where('type', '=', p.type)
    .where(isOneOf(engine, 'id', p.ids)),
)

const storedOf = prepared('relay-stored', (db, p: { type: string; ids: readonly string[] }, engine) =>
  db
    .selectFrom('documents')
    .select(['id', 'hash'])
    .where('type', '=', p.type)
    .where(isOneOf(engine, 'id', p.ids)),
)

const hostStates = prepared('relay-hosts', (db, p: { hosts: readonly string[] }, engine) =>
  db
    .selectFrom('hosts')
    .select(['host', 'sequence', 'digest'])
    .where(isOneOf(engine, 'host', p.hosts)),
)

/** Documents that these changes may have altered. */
export async function deriveAffected(
  tx: ReadTx,
  sources: DocumentSources,
  changes: readonly Change[],
): Promise<Derivation> {
  const derived: Derived[] = []
  for (const source of Object.values(sources) as DocumentSource[]) {
    const ids = await source.affected(tx, changes)
    derived.push(...(await deriveIds(tx, source, [...ids])))
  }
  return withHosts(tx, derived)
}

/** These documents of one type. */
export async function deriveDocuments(
  tx: ReadTx,
  sources: DocumentSources,
  type: DocumentType,
  ids: readonly string[],
): Promise<Derivation> {
  return withHosts(tx, await deriveIds(tx, sources[type] as DocumentSource, ids))
}

async function deriveIds(tx: ReadTx, source: DocumentSource, ids: readonly string[]): Promise<Derived[]> {
  if (ids.length === 0) return []
  const { type } = source
  const audience = await source.audience(tx, ids)
  const concerned = ids.filter((id) => (audience.get(id)?.size ?? 0) > 0)
  const bodies = concerned.length === 0 ? new Map<string, unknown>() : await source.bodies(tx, concerned)
  const told = grouped<Told>(
    (await toldOf.all(tx, { type, ids })).map(({ id, host, hash, present }) => [
      id,
      { host, hash, present: present === 1 },
    ]),
  )
  const stored = new Map((await storedOf.all(tx, { type, ids })).map(({ id, hash }) => [id, hash]))
  return ids.map((id) => {
    const body = bodies.get(id)
    return {
      type,
      id,
      current: body === undefined ? undefined : { hash: contentHash(body), body: JSON.stringify(body) },
      audience: audience.get(id) ?? new Set<string>(),
      stored: stored.get(id),
      told: told.get(id) ?? [],
    }
  })
}

async function withHosts(tx: ReadTx, derived: Derived[]): Promise<Derivation> {
  const names = new Set(
    derived.flatMap(({ audience, told }) => [...audience, ...told.map(({ host }) => host)]),
  )
  const rows = names.size === 0 ? [] : await hostStates.all(tx, { hosts: [...names] })
  return {
    derived,
    hosts: new Map(rows.map(({ host, sequence, digest }) => [host, { sequence, digest }])),
  }
}
