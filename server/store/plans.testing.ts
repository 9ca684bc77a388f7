/** For tests: the statements that a store runs, and how the engine would find their rows. */
import { kyselyOn } from './dialect.ts'
import type { ReadTx, Store, Tx } from './store.ts'

export interface Statement {
  sql: string
  parameters: readonly unknown[]
  /** Rows that it has answered so far. */
  rows: number
}

/** A store that keeps the statements that run through it. */
export function recording(store: Store): { store: Store; statements: Statement[] } {
  const statements: Statement[] = []
  const watched = <T extends ReadTx>(tx: T): T => {
    const note = (text: string, parameters: readonly unknown[]): Statement => {
      const statement = { sql: text, parameters, rows: 0 }
      statements.push(statement)
      return statement
    }
    const run: ReadTx['run'] = async (text, parameters, name) => {
      const statement = note(text, parameters)
      const result = await tx.run(text, parameters, name)
      statement.rows = result.rows.length
      return result
    }
    const pieces: ReadTx['pieces'] = async function* (text, parameters, size) {
      const statement = note(text, parameters)
      for await (const rows of tx.pieces(text, parameters, size)) {
        statement.rows += rows.length
        yield rows
      }
    }
    return Object.create(tx, {
      run: { value: run },
      pieces: { value: pieces },
      db: { value: kyselyOn(tx.engine, run) },
      ...('change' in tx && {
        change: { value: (change: Parameters<Tx['change']>[0]) => (tx as unknown as Tx).change(change) },
      }),
    })
  }
  return {
    statements,
    store: Object.create(store, {
      read: { value: (work: (tx: ReadTx) => unknown) => store.read(async (tx) => work(watched(tx))) },
      write: {
        value: (options: Parameters<Store['write']>[0], work: (tx: Tx) => unknown) =>
          store.write(options, async (tx) => work(watched(tx))),
      },
    }),
  }
}

/** The steps of a plan that read every row of the table. */
export async function fullScans(
  tx: ReadTx,
  table: string,
  { sql: text, parameters }: Statement,
): Promise<string[]> {
  if (tx.engine === 'sqlite') {
    const { rows } = await tx.run(`explain query plan ${text}`, parameters)
    return rows.map((row) => String(row.detail)).filter((detail) => detail.startsWith(`SCAN ${table}`))
  }
  const { rows } = await tx.run(`explain (format json) ${text}`, parameters)
  const found: string[] = []
  const walk = (node: PlanNode): void => {
    const type = node['Node Type']
    const scans = type.endsWith('Scan') && !type.startsWith('Bitmap') && node['Index Cond'] === undefined
    if (node['Relation Name'] === table && scans) found.push(type)
    node.Plans?.forEach(walk)
  }
  for (const row of rows) for (const { Plan } of row['QUERY PLAN'] as { Plan: PlanNode }[]) walk(Plan)
  return found
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  Plans?: PlanNode[]
}
