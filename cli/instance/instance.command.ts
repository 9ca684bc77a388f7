/** `nucleon instance create, list, exec, delete`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createClient } from '../../client/http.ts'
import { show } from '../../client/networking.ts'
import { UserError } from '../errors.ts'
import { layoutOf, readCloud, requireMemory } from '../state/layout.ts'
import { readLease } from './dhcp-client.ts'
import { createInstance, deleteInstance, type Place, resolvConfOf } from './instance.ts'
import { insideOf } from './plug.ts'
import { instanceDirectory, listRecords, readRecord } from './record.ts'

interface StateOption {
  state: string
}

interface CreateOptions extends StateOption {
  port?: string
  network?: string
  vm?: true
  userData?: string
  key?: string
}

/** Opens the place and closes it. */
async function withPlace<T>(state: string, work: (place: Place) => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) {
    throw new UserError('instances need root (network namespaces, Open vSwitch)', 'Run it with sudo.')
  }
  const layout = layoutOf(state)
  const memory = requireMemory(layout)
  const admin = createClient(readCloud(layout, 'admin'))
  try {
    return await work({ layout, memory, admin })
  } finally {
    await admin.close()
  }
}

function targetOf({ port, network }: CreateOptions): { port: string } | { network: string } {
  if (port !== undefined && network === undefined) return { port }
  if (network !== undefined && port === undefined) return { network }
  throw new UserError('say what to plug into: either --port ID or --network NAME-OR-ID')
}

/**
 * Resolves when the instance has its addresses, and prints them. Throws UserError without root, for a guest (--vm, not
 * there yet), and where the API does not answer.
 */
export async function create(name: string, options: CreateOptions): Promise<void> {
  if (options.vm === true || options.userData !== undefined || options.key !== undefined) {
    throw new UserError(
      'guests (--vm, --user-data, --key) are not there yet',
      'Without them: a network namespace.',
    )
  }
  const target = targetOf(options)
  await withPlace(options.state, async (place) => {
    const { port, addressed } = await createInstance(place, name, target)
    const addresses = port.fixed_ips.map((fixed) => fixed.ip_address).join(', ')
    process.stdout.write(
      `${name} is up with ${addresses} after ${Math.round(addressed)} ms (port ${port.id})\n`,
    )
  })
}

/**
 * Takes the instance away; its port is deleted if `create` made it, else unbound. Throws UserError where there is none
 * of that name.
 */
export async function remove(name: string, options: StateOption): Promise<void> {
  await withPlace(options.state, (place) => deleteInstance(place, name))
}

/** Lists what is recorded; the port's status is the server's word, `?` when it does not answer. */
export async function list(options: StateOption & { json?: true }): Promise<void> {
  const layout = layoutOf(options.state)
  requireMemory(layout)
  const admin = createClient(readCloud(layout, 'admin'))
  const rows = await Promise.all(
    listRecords(layout).map(async (record) => {
      const port = await show(admin, 'port', record.portId).catch(() => null)
      return {
        name: record.name,
        addresses: port?.fixed_ips.map((fixed) => fixed.ip_address) ?? [],
        lease: readLease(instanceDirectory(layout, record.name))?.ip ?? null,
        port_id: record.portId,
        port_status: port === null ? '?' : (port?.status ?? 'gone'),
      }
    }),
  )
  await admin.close()
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
    return
  }
  const lines = rows.map((row) =>
    [row.name.padEnd(20), row.port_status.padEnd(8), row.port_id, row.addresses.join(', ')].join('  '),
  )
  process.stdout.write(lines.length === 0 ? 'no instances\n' : `${lines.join('\n')}\n`)
}

/** Runs a command inside, on this terminal, and ends with its exit code. A `--` before the command is not part of it. */
export async function exec(name: string, words: readonly string[], options: StateOption): Promise<void> {
  const command = words[0] === '--' ? words.slice(1) : words
  const layout = layoutOf(options.state)
  const { namespace } = readRecord(layout, name)
  const [program, ...args] = insideOf(namespace, resolvConfOf(layout, name), command)
  const child = spawn(program, args, { stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGTERM', forward)
  // Ctrl-C reaches the command by itself.
  process.on('SIGINT', () => {})
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}
