/** The DHCP client inside an instance: busybox's udhcpc with our own script, left running to renew. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { repository } from '../paths.ts'

/** What the server gave, as udhcpc passed it on; '' where it gave nothing. */
export interface Lease {
  ip: string
  /** Prefix length. */
  mask: string
  router: string
  /** Separated by spaces. */
  dns: string
  domain: string
  mtu: string
  /** Pairs of destination and gateway, separated by spaces (option 121). */
  staticroutes: string
  /** Seconds. */
  lease: string
  serverid: string
}

const fields = ['ip', 'mask', 'router', 'dns', 'domain', 'mtu', 'staticroutes', 'lease', 'serverid'] as const

/** Reads `name=value` lines as the script writes them. */
export function parseLease(text: string): Lease {
  const values = new Map(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]),
  )
  return Object.fromEntries(fields.map((name) => [name, values.get(name) ?? ''])) as unknown as Lease
}

/** The last lease that the client of this instance got, even one that has ended; undefined where it never got any. */
export function readLease(directory: string): Lease | undefined {
  const file = join(directory, 'lease')
  return existsSync(file) ? parseLease(readFileSync(file, 'utf8')) : undefined
}

/** Starts the client and waits for its first lease, at most so many seconds. */
export async function leaseAddress(namespace: string, directory: string, seconds = 30): Promise<Lease> {
  const logFile = join(directory, 'udhcpc.log')
  const log = openSync(logFile, 'a')
  const client = spawn(
    'ip',
    [
      ...['netns', 'exec', namespace, 'udhcpc', '-f', '-i', 'eth0', '-t', '5', '-T', '1', '-A', '1'],
      ...['-O', 'mtu', '-O', 'staticroutes', '-O', 'search'],
      ...['-s', `${repository}/cli/instance/udhcpc.sh`],
    ],
    {
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH, NUCLEON_INSTANCE_DIR: directory },
      stdio: ['ignore', log, log],
    },
  )
  closeSync(log)
  let failure: Error | undefined
  client.once('error', (error) => {
    failure = error
  })
  client.once('exit', (code) => {
    failure ??= new Error(`udhcpc ended with ${code}; see ${logFile}`)
  })
  client.unref()
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const lease = readLease(directory)
    if (lease !== undefined) return lease
    if (failure !== undefined) throw failure
    if (performance.now() > deadline) {
      if (client.pid !== undefined) process.kill(client.pid)
      throw new UserError(
        `no DHCP server gave ${namespace} an address within ${seconds} s`,
        `See ${logFile}, and whether the network's DHCP agent is alive: openstack network agent list`,
      )
    }
    await sleep(10)
  }
}
