/** What a migration is. One never changes once it has been released; the next one corrects it. */
import type { Kysely } from 'kysely'
import type { Engine } from '../store.ts'

export interface Migration {
  /** `0001-networking`: the file's name. */
  name: string
  /** Runs in one transaction with the others that are due. It imports nothing of ours that may change later. */
  up(db: Kysely<unknown>, engine: Engine): Promise<void>
}
