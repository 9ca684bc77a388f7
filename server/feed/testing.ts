/**
 * For tests of the feed: documents over one plain table, and a host that keeps what it pulls. A thing is a document of
 * its type, with a name for content and a list of hosts for audience.
 */
import { sql } from 'kysely'
import type { Feed, Position } from '../../bus/feed.ts'
import { setDigest } from '../../model/documents/digest.ts'
import type { DocumentBodies, DocumentType, Envelope } from '../../model/documents/documents.ts'
import type { ReadTx, Store, Tx } from '../store/store.ts'
import type { DocumentSource, DocumentSources } from './sources.ts'

export interface Thing {
  type: DocumentType
  id: string
  name: string
  hosts: string[]
}

/** Makes the table of things, which no migration knows. */
export async function createThings(store: Store): Promise<void> {
  await store.write({ requestId: 'req-setup' }, async ({ db }) => {
    await sql`create table things (type text, id text, name text, hosts text, primary key (type, id))`.execute(
      db,
    )
  })
}

/** Makes or replaces a thing; notes the change unless told not to. */
export async function putThing(tx: Tx, { type, id, name, hosts }: Thing, noted = true): Promise<void> {
  await sql`
    insert into things (type, id, name, hosts) values (${type}, ${id}, ${name}, ${JSON.stringify(hosts)})
    on conflict (type, id) do update set name = excluded.name, hosts = excluded.hosts`.execute(tx.db)
  if (noted) note(tx, type, id, 'update')
}

/** Removes a thing, if it is there; notes the change unless told not to: only the audit can find that then. */
export async function dropThing(tx: Tx, type: DocumentType, id: string, noted = true): Promise<void> {
  await sql`delete from things where type = ${type} and id = ${id}`.execute(tx.db)
  if (noted) note(tx, type, id, 'delete')
}

/** Notes a change of an object that is of no project and below no other. */
export function note(tx: Tx, object: string, id: string, operation: 'update' | 'delete'): void {
  tx.change({ object, id, parentId: null, operation, revision: null, projectId: null })
}

/** All things, in no order: what hosts should hold is worked out from them without the feed. */
export async function allThings(tx: ReadTx): Promise<Thing[]> {
  const { rows } = await sql<Omit<Thing, 'hosts'> & { hosts: string }>`select * from things`.execute(tx.db)
  return rows.map((row) => ({ ...row, hosts: JSON.parse(row.hosts) as string[] }))
}

function sourceOf<T extends DocumentType>(type: T): DocumentSource<T> {
  const named = async (tx: ReadTx, ids: readonly string[]) =>
    (await allThings(tx)).filter((thing) => thing.type === type && ids.includes(thing.id))
  return {
    type,
    affected: async (_tx, changes) =>
      new Set(changes.filter(({ object }) => object === type).map(({ id }) => id)),
    bodies: async (tx, ids) =>
      new Map(
        (await named(tx, ids)).map(({ id, name }) => [id, { id, name } as unknown as DocumentBodies[T]]),
      ),
    audience: async (tx, ids) => new Map((await named(tx, ids)).map(({ id, hosts }) => [id, new Set(hosts)])),
    page: async (tx, after, limit) =>
      (await allThings(tx))
        .filter((thing) => thing.type === type && thing.id > after)
        .map(({ id }) => id)
        .sort()
        .slice(0, limit),
  }
}

export const thingSources: DocumentSources = {
  network: sourceOf('network'),
  port: sourceOf('port'),
  'dhcp-entry': sourceOf('dhcp-entry'),
  'tunnel-endpoint': sourceOf('tunnel-endpoint'),
}

/** A host: what it holds, by key, and where it stands. */
export interface TestHost {
  position: Position | null
  held: Map<string, Envelope>
  snapshots: number
  pages: number
  /** Pulls until nothing is left. */
  pull(): Promise<void>
  digest(): string
  /** Names by key. */
  names(): Record<string, string>
}

/** Holds nothing at first, so that its first pull is a snapshot. It counts snapshots and pages. */
export function createTestHost(feed: Feed): TestHost {
  let seen = new Set<string>()
  let inSnapshot = false
  const host: TestHost = {
    position: null,
    held: new Map(),
    snapshots: 0,
    pages: 0,
    async pull() {
      for (let complete = false; !complete; ) {
        const page = await feed.pull(host.position)
        host.pages++
        if (page.snapshot) {
          host.snapshots++
          inSnapshot = true
          seen = new Set()
        }
        for (const document of page.upserts) {
          host.held.set(`${document.type} ${document.id}`, document)
          seen.add(`${document.type} ${document.id}`)
        }
        for (const { type, id } of page.removals) host.held.delete(`${type} ${id}`)
        complete = page.complete
        if (complete && inSnapshot) {
          for (const key of host.held.keys()) if (!seen.has(key)) host.held.delete(key)
          inSnapshot = false
        }
        host.position = page.position
      }
    },
    digest: () => setDigest(host.held.values()),
    names: () =>
      Object.fromEntries(
        [...host.held].map(([key, { body }]) => [key, (body as unknown as { name: string }).name]).sort(),
      ),
  }
  return host
}

/** What a host should hold, read from the things themselves. */
export function namesFor(things: readonly Thing[], host: string): Record<string, string> {
  return Object.fromEntries(
    things
      .filter(({ hosts }) => hosts.includes(host))
      .map(({ type, id, name }) => [`${type} ${id}`, name])
      .sort(),
  )
}
