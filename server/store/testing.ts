/**
 * Tests of what stands on the store, on both engines (`*.store.test.ts`):
 *
 *     forEachEngine('a port gets an address', async ({ store }) => { … })
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, silentLogger } from '../../runtime/log.ts'
import { openStore, type StoreCollaborators, type StoreOptions } from './open.ts'
import type { Engine, Store } from './store.ts'
import { startTestPostgres, type TestCluster } from './testing-postgres.ts'

export interface StoreTest {
  /** An empty, migrated database of this test alone. */
  store: Store
  engine: Engine
  options: StoreOptions
  /** Another Store on the same database, as another server process would have; closed with the test. */
  open(collaborators?: StoreCollaborators): Promise<Store>
  t: TestContext
}

interface Prepared {
  cluster: TestCluster
  template: string
}

/** The one cluster of this process, started by the first test that needs it. */
let postgres: Promise<Prepared | string> | undefined

after(async () => {
  const prepared = await postgres?.catch(() => undefined)
  if (prepared === undefined || typeof prepared === 'string') return
  await dropDatabase(prepared.cluster, prepared.template)
  await prepared.cluster.stop()
})

/** One test on SQLite, one on PostgreSQL (skipped, saying why, where it cannot be had). */
export function forEachEngine(
  name: string,
  body: (tools: StoreTest) => Promise<void>,
  { log = silentLogger }: { log?: Logger } = {},
): void {
  onSqlite(name, body, { log })
  onPostgres(name, body, { log })
}

/** A test of what only SQLite has, or what does not depend on the engine. */
export function onSqlite(
  name: string,
  body: (tools: StoreTest) => Promise<void>,
  { log = silentLogger }: { log?: Logger } = {},
): void {
  test(`${name} (SQLite)`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'nucleon-store-'))
    try {
      await withStores({ engine: 'sqlite', path: join(directory, 'test.db') }, log, t, body)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
}

/** A test of what only PostgreSQL has; skipped, saying why, where it cannot be had. */
export function onPostgres(
  name: string,
  body: (tools: StoreTest) => Promise<void>,
  { log = silentLogger }: { log?: Logger } = {},
): void {
  test(`${name} (PostgreSQL)`, async (t) => {
    postgres ??= preparePostgres()
    const prepared = await postgres
    if (typeof prepared === 'string') {
      t.skip(prepared)
      return
    }
    const { cluster, template } = prepared
    const database = randomName()
    await cluster.administer(`create database ${database} template ${template}`)
    try {
      await withStores({ engine: 'postgres', url: cluster.url(database) }, log, t, body)
    } finally {
      await dropDatabase(cluster, database)
    }
  })
}

async function withStores(
  options: StoreOptions,
  log: Logger,
  t: TestContext,
  body: (tools: StoreTest) => Promise<void>,
): Promise<void> {
  const stores: Store[] = []
  const open = async (collaborators?: StoreCollaborators) => {
    const store = await openStore(options, log, collaborators)
    stores.push(store)
    return store
  }
  try {
    const store = await open()
    await body({ store, engine: options.engine, options, open, t })
  } finally {
    await Promise.all(stores.map((store) => store.close()))
  }
}

/** Resolves when what `from` signals is heard by the other Store: on PostgreSQL one needs a while before it listens. */
export async function untilHeard(from: Store, by: Store): Promise<void> {
  const word = `is there anybody? ${randomName()}`
  let heard = false
  const unsubscribe = by.onSignal((text) => {
    heard ||= text === word
  })
  while (!heard) {
    from.signal(word)
    await sleep(10)
  }
  unsubscribe()
}

async function preparePostgres(): Promise<Prepared | string> {
  const cluster = await startTestPostgres()
  if (typeof cluster === 'string') return cluster
  const template = randomName()
  try {
    await cluster.administer(`create database ${template} encoding 'UTF8' locale 'C' template template0`)
    const store = await openStore({ engine: 'postgres', url: cluster.url(template) }, silentLogger)
    await store.close()
    return { cluster, template }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function dropDatabase(cluster: TestCluster, name: string): Promise<void> {
  await cluster.administer(`drop database if exists ${name} with (force)`)
}

function randomName(): string {
  return `test_${randomBytes(8).toString('hex')}`
}
