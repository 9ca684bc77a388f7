/**
 * Statements of hot paths: built and compiled by Kysely once an engine, then run with values only.
 *
 *     const portById = prepared('port-by-id', (db, p: { id: string }) =>
 *       db.selectFrom('ports').selectAll().where('id', '=', p.id))
 *     const row = await portById.first(tx, { id })
 */
import {
  type Compilable,
  type Kysely,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PrimitiveValueListNode,
  ValueListNode,
  ValueNode,
} from 'kysely'
import type { Engine, ReadTx } from './store.ts'
import type { Tables } from './tables.ts'

export interface Prepared<P, R> {
  all(tx: ReadTx, parameters: P): Promise<R[]>
  first(tx: ReadTx, parameters: P): Promise<R | undefined>
  /** Answers the number of rows written. */
  run(tx: ReadTx, parameters: P): Promise<number>
}

/** Stands for a value while the statement is built. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/**
 * Writes constants into the text. The engine plans with what they are; SQLite, which looks at the value of a parameter
 * where a partial index may serve (`status = 'ACTIVE'`), would prepare such a statement anew each time it runs.
 */
class ConstantWriter extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return written(node.value)
  }
  protected override transformPrimitiveValueList(node: PrimitiveValueListNode): PrimitiveValueListNode {
    return ValueListNode.create(node.values.map(written)) as unknown as PrimitiveValueListNode
  }
}

function written(value: unknown): ValueNode {
  if (typeof value === 'boolean') return ValueNode.createImmediate(Number(value))
  const plain = typeof value === 'string' || typeof value === 'number' || value === null
  return plain ? ValueNode.createImmediate(value) : ValueNode.create(value)
}

const writer = new ConstantWriter()

const constantsWritten: KyselyPlugin = {
  transformQuery: ({ node, queryId }) => writer.transformNode(node, queryId),
  transformResult: async ({ result }) => result,
}

interface Compiled {
  sql: string
  /** Placeholders to fill in, and constants that are no plain value. */
  slots: readonly unknown[]
}

/**
 * `build` is called once an engine, with placeholders in the place of the parameters: it may use them where Kysely
 * takes a value, and must not look at them. `name` is unique in the program (at most 63 characters).
 */
export function prepared<P extends object, R>(
  name: string,
  build: (db: Kysely<Tables>, parameters: P, engine: Engine) => Compilable<R>,
): Prepared<P, R> {
  const compiled: { [E in Engine]?: Compiled } = {}

  function compile(tx: ReadTx): Compiled {
    const placeholders = new Proxy({}, { get: (_target, key) => new Placeholder(String(key)) }) as P
    const { sql, parameters } = build(tx.db.withPlugin(constantsWritten), placeholders, tx.engine).compile()
    return { sql, slots: parameters }
  }

  function execute(tx: ReadTx, parameters: P) {
    compiled[tx.engine] ??= compile(tx)
    const { sql, slots } = compiled[tx.engine] as Compiled
    const values = slots.map((slot) => {
      if (!(slot instanceof Placeholder)) return slot
      const value = (parameters as Record<string, unknown>)[slot.name]
      if (value === undefined) throw new Error(`statement ${name}: no value for ${slot.name}`)
      return value
    })
    return tx.run(sql, values, name)
  }

  return {
    all: async (tx, parameters) => (await execute(tx, parameters)).rows as R[],
    first: async (tx, parameters) => (await execute(tx, parameters)).rows[0] as R | undefined,
    run: async (tx, parameters) => (await execute(tx, parameters)).written,
  }
}
