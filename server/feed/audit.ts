/**
 * The slow check behind the relay: walks over all documents in turns and compares what is derived now with what hosts
 * have been told. It mends what a defect, a restored copy or a new program has made differ.
 */
import { type DocumentType, documentSchema } from '../../model/documents/documents.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Store } from '../store/store.ts'
import type { Handled } from './consumer.ts'
import { deriveDocuments } from './derive.ts'
import { isEmpty, type Plan, planUpdates } from './plan.ts'
import type { DocumentSource, DocumentSources } from './sources.ts'

const pageSize = 200

const storedIds = prepared('audit-ids', (db, p: { type: string; after: string; limit: number }) =>
  db
    .selectFrom('documents')
    .select('id')
    .where('type', '=', p.type)
    .where('id', '>', p.after)
    .orderBy('id')
    .limit(p.limit),
)

/** What one step found: the plan that mends it, and where the next step begins; undefined at the end of a type. */
export async function auditStep(
  tx: ReadTx,
  sources: DocumentSources,
  type: DocumentType,
  after: string,
  now: number,
): Promise<{ plan: Plan; next: string | undefined }> {
  const source = sources[type] as DocumentSource
  const stored = (await storedIds.all(tx, { type, after, limit: pageSize })).map(({ id }) => id)
  const derived = await source.page(tx, after, pageSize)
  // Each list is whole up to its last id: only up to there can they be compared.
  const ends = [stored, derived].flatMap((ids) => (ids.length < pageSize ? [] : [ids.at(-1) ?? '']))
  const end = ends.sort()[0]
  const ids = [...new Set([...stored, ...derived])].filter((id) => end === undefined || id <= end)
  const { derived: found, hosts } = await deriveDocuments(tx, sources, type, ids)
  return { plan: planUpdates(found, hosts, now), next: end }
}

export interface AuditOptions {
  store: Store
  sources: DocumentSources
  log: Logger
  clock: Clock
  /** Milliseconds between steps of the first walk, and of later ones. */
  pace: { first: number; later: number }
}

/** Answers a step when one is due. `apply` makes of its plan what the relay is to write. */
export function createAudit({ store, sources, log, clock, pace }: AuditOptions) {
  const types = Object.keys(sources) as DocumentType[]
  let index = 0
  let after = ''
  let walks = 0
  let due = 0

  return async function step(apply: (plan: Plan) => Handled): Promise<Handled | undefined> {
    const type = types[index]
    if (type === undefined || clock.monotonic() < due) return undefined
    due = clock.monotonic() + (walks === 0 ? pace.first : pace.later)
    const { plan, next } = await store.read((tx) =>
      auditStep(tx, sources, type, after, clock.now().getTime()),
    )
    after = next ?? ''
    if (next === undefined) index++
    const walked = index === types.length
    if (walked) {
      index = 0
      walks++
    }
    if (!isEmpty(plan)) {
      log.warn(
        { type, documents: plan.documents.length, rows: plan.rows.length },
        'the audit mends documents',
      )
    }
    if (isEmpty(plan) && !(walked && walks === 1)) return undefined
    const { write, after: told } = apply(plan)
    return {
      after: told,
      async write(tx) {
        await write?.(tx)
        if (walked) await tx.db.updateTable('feed_epoch').set({ schema: documentSchema }).execute()
      },
    }
  }
}
