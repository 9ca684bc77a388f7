/** The connections of one process to PostgreSQL: some for writers, some for readers, each with its session. */
import pg from 'pg'
import type { Logger } from '../../runtime/log.ts'
import { createSession, type PostgresSession, valueTypes } from './postgres-session.ts'
import { retryDeadline } from './postgres-transaction.ts'

export interface PostgresPoolOptions {
  /** `postgresql://user:password@host:port/database` */
  url: string
  /** Connections of this process, besides the one that listens: a half each for writers and readers. */
  connections: number
}

export interface PostgresPools {
  /** How a connection is made. */
  connect: pg.ClientConfig
  /** Connections for writers; as many for readers, who need not wait until writers have waited for each other. */
  size: number
  /** Gives `work` a connection; one that fails in a way that leaves its state unknown is thrown away. */
  withSession<T>(kind: 'writers' | 'readers', work: (session: PostgresSession) => Promise<T>): Promise<T>
  end(): Promise<unknown>
}

/**
 * A sequential scan reads what every other writer of the table writes, and one of them has to be run again; and the
 * planner likes it best on small tables. (With it away, costs look so high that all would be compiled: no jit.)
 */
const writersPlan = '-c enable_seqscan=off -c jit=off'

/** Ends what was begun. */
const leave = 'rollback; select pg_advisory_unlock_all()'

/**
 * Connects when it is first asked for a session. Who finds no free connection waits 30 s at most, then gets an error.
 */
export function openPools(options: PostgresPoolOptions, log: Logger): PostgresPools {
  const connect: pg.ClientConfig = {
    connectionString: options.url,
    application_name: 'nucleon',
    types: valueTypes,
    statement_timeout: retryDeadline,
    idle_in_transaction_session_timeout: 2 * retryDeadline,
  }
  const size = Math.max(1, Math.floor(options.connections / 2))
  const openPool = (settings: pg.PoolConfig) => {
    const pool = new pg.Pool({
      ...connect,
      ...settings,
      max: size,
      connectionTimeoutMillis: retryDeadline,
      idleTimeoutMillis: 60_000,
    })
    pool.on('error', (error) => log.warn({ err: error }, 'an idle connection to the database is lost'))
    pool.on('connect', (client) => {
      // One that is cut while in use says so twice: to its query, and here, where silence would end the process.
      client.on('error', (error) => log.debug({ err: error }, 'a connection to the database is lost'))
    })
    return pool
  }
  const pools = { writers: openPool({ options: writersPlan }), readers: openPool({}) }
  const sessions = new WeakMap<pg.PoolClient, PostgresSession>()

  return {
    connect,
    size,
    async withSession(kind, work) {
      const client = await pools[kind].connect()
      let session = sessions.get(client)
      if (session === undefined) {
        session = createSession(client)
        sessions.set(client, session)
      }
      let broken = true
      try {
        const value = await work(session)
        broken = false
        return value
      } catch (error) {
        broken = await client.query(leave).then(
          () => false,
          () => true,
        )
        throw error
      } finally {
        client.release(broken)
      }
    },
    end: () => Promise.all([pools.writers.end(), pools.readers.end()]),
  }
}
