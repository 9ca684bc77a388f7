/** One temporary PostgreSQL server for the store lane. */
import type {} from 'node:process'

/** Placeholder until the store's testing helper exists: every test process starts its own. */
export async function withPostgres<T>(
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
  _say: (text: string) => void,
): Promise<T> {
  return await work({})
}
