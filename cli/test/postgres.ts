/** One temporary PostgreSQL server for all test processes of a lane, instead of one for each. */
import { startTestPostgres } from '../../server/store/testing-postgres.ts'

/** Runs `work` with the environment that leads test processes to the server. Where there can be none, they say why. */
export async function withPostgres<T>(
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
  say: (text: string) => void,
): Promise<T> {
  const cluster = await startTestPostgres()
  if (typeof cluster === 'string') {
    say(`    ${cluster}`)
    return work({})
  }
  try {
    return await work({ NUCLEON_TEST_POSTGRES: cluster.url('postgres') })
  } finally {
    await cluster.stop()
  }
}
