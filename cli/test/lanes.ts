/**
 * The test lanes as data: which files belong to each, how long it may take, and what it runs in. A lane that
 * outlives its budget fails; so does one that ran nothing.
 */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface Lane {
  name: string
  /** What it proves, for people. */
  about: string
  budgetMinutes: number
  /** Decides by the path from the repository's root, with `/`. */
  holds(path: string): boolean
  /** Files at the same time. What drives the kernel's network runs one file after another. */
  concurrency: number
  /** Runs in network, mount and process namespaces of its own; needs root. */
  sandbox: boolean
  /** Gets a PostgreSQL server of its own (NUCLEON_TEST_POSTGRES). */
  postgres: boolean
  /** Temporary files are kept in memory: nothing in it shows what outlives a machine, and no write waits for a disk. */
  memory: boolean
  /** Debian packages whose content its tests read; fetched before, since a box has no way out. */
  packages: readonly string[]
}

const isTest = (path: string) => path.endsWith('.test.ts')
const isStore = (path: string) => path.endsWith('.store.test.ts')
const isKernel = (path: string) => path.endsWith('.kernel.test.ts') || path.startsWith('test/kernel/')
const isBeside = (path: string) => !path.startsWith('test/')

const bare = { sandbox: false, postgres: false, memory: false, packages: [] }
const plain = { ...bare, concurrency: 2 }
const packets = { ...bare, concurrency: 1, sandbox: true }

export const lanes: readonly Lane[] = [
  {
    ...plain,
    name: 'check',
    about: 'types, lint and format, import directions',
    budgetMinutes: 2,
    holds: (path) => path === 'test/house.test.ts',
  },
  {
    ...plain,
    name: 'unit',
    about: 'pure parts, beside their files',
    budgetMinutes: 2,
    holds: (path) => isTest(path) && isBeside(path) && !isStore(path) && !isKernel(path),
  },
  {
    ...plain,
    name: 'store',
    about: 'the same suites on SQLite and PostgreSQL',
    budgetMinutes: 8,
    holds: (path) => isStore(path),
    postgres: true,
    memory: true,
  },
  {
    ...plain,
    name: 'api',
    about: 'a running server, real clients',
    budgetMinutes: 7,
    holds: (path) => isTest(path) && path.startsWith('test/api/'),
    postgres: true,
    memory: true,
    packages: ['neutron-common', 'neutron-metadata-agent', 'neutron-linuxbridge-agent'],
  },
  {
    ...packets,
    name: 'kernel',
    about: 'namespaces, real daemons, real packets',
    budgetMinutes: 4,
    holds: (path) => isTest(path) && isKernel(path),
  },
  {
    ...packets,
    name: 'whole',
    about: 'everything together: several hosts, faults, the demo',
    budgetMinutes: 17,
    holds: (path) => isTest(path) && path.startsWith('test/whole/'),
    packages: process.arch === 'x64' ? ['linux-image-cloud-amd64'] : [],
  },
]

/** Every test file under `root`, as sorted paths from it. */
export function testFiles(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const path = join(root, entry.name)
      if (entry.isDirectory()) return testFiles(path).map((file) => join(entry.name, file))
      return isTest(entry.name) ? [relative(root, path)] : []
    })
    .sort()
}
