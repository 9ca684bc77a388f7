/**
 * Word between servers on one PostgreSQL database (LISTEN/NOTIFY). NOTIFY is sent after the commit, on its own: inside
 * the transaction it would make all commits of the database wait for one lock. So it may be lost; readers look anyway
 * now and then.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Logger } from '../../runtime/log.ts'

const channel = 'nucleon'
/** PostgreSQL refuses 8000 bytes. */
const payloadLimit = 7900
const reconnectDelay = 1000

export interface PostgresSignals {
  /** Tells the other servers; empty text stands for "there are changes". */
  send(text: string): void
  close(): Promise<void>
}

export interface SignalOptions {
  connect: pg.ClientConfig
  query(sql: string, parameters: string[]): Promise<unknown>
  /** What another server has sent; also called with '' when words may have been missed. */
  receive(text: string): void
  log: Logger
}

/**
 * Connects by itself, at once and a second after each loss; until then nothing is heard. `send` throws RangeError for
 * a text of more than 7900 characters, and loses what it cannot send.
 */
export function openSignals({ connect, query, receive, log }: SignalOptions): PostgresSignals {
  const self = randomUUID()
  const unsent = new Set<string>()
  let sending = false
  let closed = false
  let listener: pg.Client | undefined
  let reconnecting: NodeJS.Timeout | undefined

  async function flush(): Promise<void> {
    if (sending) return
    sending = true
    try {
      while (unsent.size > 0 && !closed) {
        const texts = [...unsent]
        unsent.clear()
        await query(`select pg_notify('${channel}', word) from unnest($1::text[]) as word`, [
          texts.map((text) => `${self} ${text}`) as never,
        ])
      }
    } catch (error) {
      log.debug({ err: error }, 'other servers could not be told')
    } finally {
      sending = false
    }
  }

  async function listen(): Promise<void> {
    const client = new pg.Client(connect)
    listener = client
    const lost = (error?: Error) => {
      if (listener !== client || closed) return
      listener = undefined
      log.warn({ err: error }, 'the connection for notifications is lost; connecting again')
      void client.end().catch(() => {})
      reconnecting = setTimeout(() => void listen(), reconnectDelay)
    }
    client.on('error', lost)
    client.on('end', () => lost())
    client.on('notification', ({ payload = '' }) => {
      const space = payload.indexOf(' ')
      if (payload.slice(0, space) !== self) receive(payload.slice(space + 1))
    })
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      receive('')
    } catch (error) {
      lost(error instanceof Error ? error : new Error(String(error)))
    }
  }

  void listen()

  return {
    send(text) {
      if (text.length > payloadLimit)
        throw new RangeError(`a signal of ${text.length} characters is too long`)
      unsent.add(text)
      void flush()
    },
    async close() {
      closed = true
      clearTimeout(reconnecting)
      await listener?.end().catch(() => {})
    },
  }
}
