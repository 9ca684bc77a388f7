/**
 * A client of ovsdb-server (RFC 7047) over its unix socket: JSON-RPC, one monitor, transactions. It reconnects by
 * itself and monitors anew; after each (re)connection the whole content is reported first. A server that says nothing
 * is asked for an echo, and given up when that does not come either: its transactions fail then.
 */
import { createConnection, type Socket } from 'node:net'
import { createJsonSplitter } from './json.splitter.ts'

/** A column's value as OVSDB writes it: an atom, or `["set", …]`, `["map", …]`, `["uuid", …]`. */
export type OvsdbValue = string | number | boolean | readonly ['set' | 'map' | 'uuid' | 'named-uuid', unknown]
export type OvsdbRow = Record<string, OvsdbValue>

/** `modify` rows have only the columns that differ, with their new values. */
export interface RowUpdate {
  table: string
  uuid: string
  /** The whole row as it is now; undefined when it is gone. */
  row: OvsdbRow | undefined
}

export interface OvsdbOperationResult {
  count?: number
  uuid?: OvsdbValue
  rows?: OvsdbRow[]
  error?: string
  details?: string
}

export interface OvsdbListener {
  /** All rows of a fresh connection: what was known before is void. */
  reset(rows: RowUpdate[]): void
  update(rows: RowUpdate[]): void
  lost(reason: string): void
}

export interface OvsdbClient {
  readonly connected: boolean
  /** Connects and monitors; resolves when the first content was reported. Rejects after `timeout` ms. */
  start(timeout: number): Promise<void>
  /** Runs a transaction. Throws when it is refused, or when the connection is lost before the answer. */
  transact(operations: readonly object[]): Promise<OvsdbOperationResult[]>
  stop(): void
}

export interface OvsdbClientOptions {
  socket: string
  database: string
  /** Columns to monitor, by table. */
  tables: Readonly<Record<string, readonly string[]>>
  listener: OvsdbListener
  /**
   * Milliseconds; 5 s unless told. An echo is asked for after one to two of these without a word, and the connection
   * is given up after one more.
   */
  patience?: number
}

export class OvsdbError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'OvsdbError'
  }
}

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
}

type TableUpdates = Record<string, Record<string, { old?: OvsdbRow; new?: OvsdbRow }>>

/** Connects with `start`; once lost, again after 50 ms, then later and later up to 2 s, until stopped. */
export function createOvsdbClient(options: OvsdbClientOptions): OvsdbClient {
  const { patience = 5000 } = options
  const pending = new Map<number, Pending>()
  /** Turns of `patience` without a word from the server. */
  let silent = 0
  let probe: NodeJS.Timeout | undefined
  let socket: Socket | undefined
  let connected = false
  let stopped = false
  let lastId = 0
  let delay = 50
  let timer: NodeJS.Timeout | undefined
  let firstReady: (() => void) | undefined

  function send(method: string, params: unknown, id: number | string | null): void {
    socket?.write(JSON.stringify({ method, params, id }))
  }

  function call(method: string, params: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!socket || socket.destroyed) return reject(new OvsdbError('no connection to ovsdb-server'))
      const id = ++lastId
      pending.set(id, { resolve, reject })
      send(method, params, id)
    })
  }

  function receive(message: Record<string, unknown>): void {
    if (message.method === 'echo') {
      socket?.write(JSON.stringify({ result: message.params, error: null, id: message.id }))
    } else if (message.method === 'update') {
      const [, updates] = message.params as [unknown, TableUpdates]
      options.listener.update(rowsOf(updates))
    } else if (typeof message.id === 'number') {
      const waiting = pending.get(message.id)
      pending.delete(message.id)
      if (message.error) waiting?.reject(new OvsdbError(JSON.stringify(message.error)))
      else waiting?.resolve(message.result)
    }
  }

  function lost(reason: string): void {
    if (!socket) return
    const was = connected
    clearInterval(probe)
    socket.destroy()
    socket = undefined
    connected = false
    for (const waiting of pending.values())
      waiting.reject(new OvsdbError(`connection to ovsdb-server: ${reason}`))
    pending.clear()
    if (was) options.listener.lost(reason)
    if (stopped) return
    timer = setTimeout(connect, delay)
    delay = Math.min(delay * 2, 2000)
  }

  function connect(): void {
    const splitter = createJsonSplitter()
    const fresh = createConnection(options.socket)
    socket = fresh
    silent = 0
    probe = setInterval(() => {
      if (silent === 2) setImmediate(giveUp)
      else if (++silent === 2) send('echo', [], 'probe')
    }, patience)
    // What has come while this process was busy is read first.
    const giveUp = (): void => {
      if (socket === fresh && silent === 2) lost('it does not answer')
    }
    fresh.setEncoding('utf8')
    fresh.on('data', (text: string) => {
      silent = 0
      try {
        for (const message of splitter.push(text)) receive(message as Record<string, unknown>)
      } catch (error) {
        lost(error instanceof Error ? error.message : String(error))
      }
    })
    fresh.on('error', (error) => {
      if (socket === fresh) lost(error.message)
    })
    fresh.on('close', () => {
      if (socket === fresh) lost('closed')
    })
    fresh.on('connect', () => {
      const requests = Object.fromEntries(
        Object.entries(options.tables).map(([table, columns]) => [table, [{ columns }]]),
      )
      call('monitor', [options.database, 'nucleon', requests]).then(
        (updates) => {
          connected = true
          delay = 50
          options.listener.reset(rowsOf(updates as TableUpdates))
          firstReady?.()
          firstReady = undefined
        },
        (error: Error) => lost(error.message),
      )
    })
  }

  return {
    get connected() {
      return connected
    },
    start(timeout) {
      return new Promise((resolve, reject) => {
        const deadline = setTimeout(
          () => reject(new OvsdbError(`ovsdb-server does not answer at ${options.socket}`)),
          timeout,
        )
        firstReady = () => {
          clearTimeout(deadline)
          resolve()
        }
        connect()
      })
    },
    async transact(operations) {
      if (!connected) throw new OvsdbError('no connection to ovsdb-server')
      const results = (await call('transact', [
        options.database,
        ...operations,
      ])) as (OvsdbOperationResult | null)[]
      for (const result of results) {
        if (result?.error) throw new OvsdbError(`${result.error}: ${result.details ?? ''}`)
      }
      return results.map((result) => result ?? {})
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      lost('stopped')
    },
  }
}

function rowsOf(updates: TableUpdates): RowUpdate[] {
  const rows: RowUpdate[] = []
  for (const [table, byUuid] of Object.entries(updates)) {
    for (const [uuid, change] of Object.entries(byUuid)) rows.push({ table, uuid, row: change.new })
  }
  return rows
}

/** The map of a map column. */
export function mapOf(value: OvsdbValue | undefined): Record<string, string> {
  if (!Array.isArray(value) || value[0] !== 'map') return {}
  return Object.fromEntries(value[1] as [string, string][])
}

/** The elements of a set column (a set of one is written as its element). */
export function setOf(value: OvsdbValue | undefined): unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value[0] === 'set') return value[1] as unknown[]
  return [value]
}

/** The uuids of a column of references. */
export function uuidsOf(value: OvsdbValue | undefined): string[] {
  return setOf(value).map((atom) => (atom as [string, string])[1])
}

/** The one element of an optional column. */
export function optional(value: OvsdbValue | undefined): unknown {
  return setOf(value)[0]
}

/** The value of a map column (RFC 7047, section 5.1). */
export function toMap(record: Readonly<Record<string, string>>): OvsdbValue {
  return ['map', Object.entries(record)]
}

/** The value of a set column (RFC 7047, section 5.1); a uuid in it is `['uuid', text]`. */
export function toSet(list: readonly unknown[]): OvsdbValue {
  return ['set', list]
}
