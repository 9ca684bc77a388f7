/**
 * DHCP leases that dnsmasq has given: one that nobody wants is released, so that its address can be given to another
 * at once. A scope is a lease file. Level-triggered: what an agent leaves undone, the next one finds.
 */
import { readFile } from 'node:fs/promises'
import type { Change, Facility, FacilityEvents, Observed } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import { type Lease, objectKey, type Process } from '../objects.ts'
import { run } from '../run.ts'
import { type DnsmasqLease, parseLeases } from './leases.file.ts'

export interface LeasesOptions {
  /** The processes that are wanted: their lease files are known even without a Lease object. */
  processes(): Iterable<Process>
}

/** Whose leases a file holds. */
interface LeaseFile {
  process: string
  namespace: string
  link: string
}

export function createLeasesFacility(options: LeasesOptions): Facility {
  const files = new Map<string, LeaseFile>()
  /** Wanted leases: how many there are by process and address, for DHCPv6, whose file may not tell the MAC. */
  const wantedAddresses = new Map<string, number>()
  const leases = new Map<string, DnsmasqLease>()
  let events: FacilityEvents | undefined

  function* known(): Iterable<[string, LeaseFile]> {
    yield* files
    for (const process of options.processes()) {
      const file = optionOf(process, '--dhcp-leasefile')
      const link = optionOf(process, '--interface')
      if (file === undefined || link === undefined || process.namespace === null || files.has(file)) continue
      yield [file, { process: process.id, namespace: process.namespace, link }]
    }
  }

  function count(lease: Lease, by: number): void {
    const place = `${lease.process} ${lease.ip}`
    const left = (wantedAddresses.get(place) ?? 0) + by
    if (left > 0) wantedAddresses.set(place, left)
    else wantedAddresses.delete(place)
  }

  async function observe(file: string): Promise<{ complete: true; found: Observed[] }> {
    const owner = new Map(known()).get(file)
    const found: Observed[] = []
    const isWanted =
      owner !== undefined && [...options.processes()].some((process) => process.id === owner.process)
    for (const lease of parseLeases(await textOf(file))) {
      if (!owner) continue
      const object: Lease = { kind: 'lease', ...owner, file, ip: lease.ip, mac: lease.mac ?? '' }
      const ident = objectKey(object)
      leases.set(ident, lease)
      const kept = lease.iaid !== undefined && wantedAddresses.has(`${owner.process} ${lease.ip}`)
      // The leases of a server that goes away go with it.
      found.push({ ident, object, ours: isWanted && !kept })
    }
    return { complete: true, found }
  }

  async function release(change: Change): Promise<void> {
    const object = change.observed?.object
    const lease = leases.get(change.ident)
    if (change.wanted || object?.kind !== 'lease' || !lease) return
    const enter = ['ip', 'netns', 'exec', object.namespace] as const
    if (lease.iaid === undefined) {
      const client = lease.clientId === undefined ? [] : [lease.clientId]
      await run([...enter, 'dhcp_release', object.link, lease.ip, lease.mac ?? '', ...client])
      return
    }
    if (lease.clientId === undefined || lease.serverId === undefined)
      throw new Error('the lease has no identifiers')
    const ids = ['--client-id', lease.clientId, '--server-id', lease.serverId, '--iaid', lease.iaid]
    await run([...enter, 'dhcp_release6', '--iface', object.link, ...ids, '--ip', lease.ip])
  }

  return {
    name: 'leases',
    kinds: ['lease'],
    removesAtOnce: false,
    scopeOf: (object) => (object.kind === 'lease' ? object.file : ''),
    async start(listener) {
      events = listener
      return []
    },
    wanted(_key, object, before) {
      if (object?.kind === 'lease') {
        files.set(object.file, { process: object.process, namespace: object.namespace, link: object.link })
        count(object, 1)
      }
      if (before?.kind === 'lease') {
        count(before, -1)
        events?.changed(before.file)
      }
    },
    observe,
    verdict: () => 'settled',
    async apply(changes) {
      const failures = new Map<string, string>()
      await eachOf(changes, 8, async (change) => {
        try {
          await release(change)
        } catch (error) {
          failures.set(change.ident, reasonOf(error))
        }
      })
      // dnsmasq has read the release by the time it has rewritten its file.
      await new Promise((resolve) => setTimeout(resolve, 10))
      return failures
    },
    auditScopes: () => [...known()].map(([file]) => file),
    async stop() {},
  }
}

function optionOf(process: Process, name: string): string | undefined {
  return process.argv.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return ''
  }
}
