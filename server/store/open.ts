/** Opens the database that the configuration names, brought to the shape that this program expects. */
import { type Clock, systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { migrations as allMigrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { Store } from './store.ts'

export type StoreOptions =
  | { engine: 'sqlite'; path: string }
  /** `url`: `postgresql://…`; `connections` of this process at most, 16 by default (one more listens). */
  | { engine: 'postgres'; url: string; connections?: number }

/** What only tests replace. */
export interface StoreCollaborators {
  clock?: Clock
  migrations?: readonly Migration[]
}

/** Throws when the database cannot be reached or is newer than this program. */
export function openStore(
  options: StoreOptions,
  log: Logger,
  { clock = systemClock, migrations = allMigrations }: StoreCollaborators = {},
): Promise<Store> {
  switch (options.engine) {
    case 'sqlite':
      return openSqlite(options.path, migrations, log, clock)
    case 'postgres':
      return openPostgres(
        { url: options.url, connections: options.connections ?? 16 },
        migrations,
        log,
        clock,
      )
  }
}
