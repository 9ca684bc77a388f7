/**
 * A PostgreSQL for tests: the one that NUCLEON_TEST_POSTGRES names (a URL whose user may create databases), else a
 * temporary cluster on a unix socket, which ends with this process.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

export interface TestCluster {
  /** URL of a database of the cluster. */
  url(database: string): string
  /** Runs SQL in the maintenance database. */
  administer(sql: string): Promise<void>
  stop(): Promise<void>
}

/** Answers a reason instead of a cluster where there can be none. */
export async function startTestPostgres(): Promise<TestCluster | string> {
  const given = process.env.NUCLEON_TEST_POSTGRES
  if (given !== undefined && given !== '') return clusterAt(given, async () => {})
  const bin = await findBinaries()
  if (bin === undefined) return 'no PostgreSQL server is installed (Debian: apt install postgresql)'
  const asPostgres = process.getuid?.() === 0
  const directory = await mkdtemp(join(tmpdir(), 'nucleon-postgres-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const privileges = asPostgres
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig=QUIT']
    : ['setpriv', '--pdeathsig=QUIT']
  const command = (program: string, ...argv: string[]): [string, string[]] => {
    const [first = '', ...rest] = [...privileges, join(bin, program), ...argv]
    return [first, rest]
  }
  try {
    if (asPostgres) {
      const { stdout } = await run('id', ['-u', 'postgres'])
      await chown(directory, Number(stdout), -1)
    }
    await chmod(directory, 0o700)
    const data = join(directory, 'data')
    await run(
      ...command('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'),
      {
        cwd: '/',
      },
    )
    const settings = [
      ...['fsync=off', 'full_page_writes=off', 'listen_addresses='],
      ...['max_connections=200', 'max_prepared_transactions=8'],
    ]
    const server = spawn(
      ...command('postgres', '-D', data, '-k', directory, ...settings.flatMap((setting) => ['-c', setting])),
      { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const cluster = clusterAt(`postgresql://postgres@localhost/postgres?host=${directory}`, async () => {
      await end(server)
      await remove()
    })
    await ready(server, cluster)
    return cluster
  } catch (error) {
    await remove()
    return `a PostgreSQL server could not be started: ${error instanceof Error ? error.message : String(error)}`
  }
}

function clusterAt(base: string, stop: () => Promise<void>): TestCluster {
  const url = (database: string) => {
    const named = new URL(base)
    named.pathname = `/${database}`
    return named.href
  }
  return {
    url,
    stop,
    async administer(sql) {
      const client = new pg.Client({ connectionString: base })
      await client.connect()
      try {
        await client.query(sql)
      } finally {
        await client.end()
      }
    },
  }
}

async function ready(server: ChildProcess, cluster: TestCluster): Promise<void> {
  let said = ''
  server.stderr?.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-2000)
  })
  for (let tries = 0; tries < 200; tries++) {
    if (server.exitCode !== null) throw new Error(`it ended at once: ${said}`)
    try {
      await cluster.administer('select 1')
      return
    } catch {
      await sleep(50)
    }
  }
  await end(server)
  throw new Error(`it does not answer: ${said}`)
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGQUIT')
  await once(server, 'exit')
}

/** Debian keeps the server's programs out of PATH, a directory a version. */
async function findBinaries(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(root, newest, 'bin')
}
