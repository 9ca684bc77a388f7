/**
 * DHCP leases that dnsmasq has given: one that nobody wants is released, so that its address can be given to another
 * at once. A scope is a lease file. Level-triggered: what an agent leaves undone, the next one finds. A server that
 * starts without a lease file is told of the leases that it may find its clients with.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { Change, Facility, FacilityEvents, Observed } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Ledger } from '../ledger.ts'
import { type Lease, objectKey, type Process } from '../objects.ts'
import { run } from '../run.ts'
import { type DnsmasqLease, leasesWithin, parseLeases, servedPrefixes } from './leases.file.ts'

export interface LeasesOptions {
  ledger: Ledger
  /** The processes that are wanted: their lease files are known even without a Lease object. */
  processes(): Iterable<Process>
  /** True for the id of a process that is wanted. */
  isWanted(process: string): boolean
}

/** Whose leases a file holds. */
interface LeaseFile {
  process: string
  namespace: string
  link: string
}

export interface LeasesFacility extends Facility {
  /**
   * What stands in the file of a server that has none yet; else it would refuse to renew what another server of the
   * network gave. Clients renew the entries, which end never, with true ones; those that nobody wants any more are
   * released. IPv6 leases cannot be told without their client's identifiers.
   */
  initial(process: string): string
  /**
   * Before a server starts: leaves out of its file what it has no range for any more. It could never release that, and
   * does not start at all with more leases than it may give.
   */
  starting(process: Process): Promise<void>
}

/** Leases are those of wanted servers alone: a server that nobody wants any more takes its own along. */
export function createLeasesFacility(options: LeasesOptions): LeasesFacility {
  const files = new Map<string, LeaseFile>()
  const wantedLeases = new Map<string, Map<string, Lease>>()
  /**
   * IPv6 addresses, by file and address, whose lease was withdrawn from one client, perhaps to be given to another:
   * who was found to have the lease by the first look after that. Kept in the ledger too: the lease alone would not tell
   * the next agent that it is not its new owner's.
   */
  const withdrawn = new Map<string, string | undefined>()
  /** Wanted leases: how many there are by process and address, for DHCPv6, whose file may not tell the MAC. */
  const wantedAddresses = new Map<string, number>()
  /** What was last read, by file and ident. */
  const read = new Map<string, Map<string, DnsmasqLease>>()
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
    const owner = files.get(file) ?? new Map(known()).get(file)
    const found: Observed[] = []
    const leases = new Map<string, DnsmasqLease>()
    // The leases of a server that goes away go with it.
    if (owner === undefined || !options.isWanted(owner.process)) {
      read.delete(file)
      for (const place of withdrawn.keys()) if (isOf(file, place)) forgetWithdrawn(place)
      return { complete: true, found }
    }
    const all = parseLeases(await textOf(file))
    noteWithdrawn(file, all)
    for (const lease of all) {
      const object: Lease = { kind: 'lease', ...owner, file, ip: lease.ip, mac: lease.mac ?? '' }
      const ident = objectKey(object)
      leases.set(ident, lease)
      const isWanted = wantedAddresses.has(`${owner.process} ${lease.ip}`)
      const kept = lease.iaid !== undefined && isWanted && !withdrawn.has(`${file} ${lease.ip}`)
      found.push({ ident, object, ours: !kept })
    }
    read.set(file, leases)
    return { complete: true, found }
  }

  /** Remembers who has what was withdrawn, and forgets what he has no more. */
  function noteWithdrawn(file: string, all: readonly DnsmasqLease[]): void {
    for (const [place, holder] of withdrawn) {
      if (!isOf(file, place)) continue
      const lease = all.find((one) => place === `${file} ${one.ip}`)
      if (lease === undefined || holderOf(lease) !== (holder ?? holderOf(lease))) forgetWithdrawn(place)
      else if (holder === undefined) withdraw(place, holderOf(lease))
    }
  }

  const isOf = (file: string, place: string): boolean => place.startsWith(`${file} `)

  function withdraw(place: string, holder?: string): void {
    const before = withdrawn.get(place)
    withdrawn.set(place, holder)
    try {
      options.ledger.add(withdrawnKey(place, holder))
      if (before !== holder) options.ledger.strike(withdrawnKey(place, before))
    } catch {
      // The disk is full: this agent knows it all the same.
    }
  }

  function forgetWithdrawn(place: string): void {
    for (const holder of [undefined, withdrawn.get(place)]) options.ledger.strike(withdrawnKey(place, holder))
    withdrawn.delete(place)
  }

  async function release(change: Change): Promise<void> {
    const object = change.observed?.object
    if (change.wanted || object?.kind !== 'lease') return
    const lease = read.get(object.file)?.get(change.ident)
    if (!lease) return
    const { namespace } = object
    if (lease.iaid === undefined) {
      const client = lease.clientId === undefined ? [] : [lease.clientId]
      await run(['dhcp_release', object.link, lease.ip, lease.mac ?? '', ...client], { namespace })
      return
    }
    if (lease.clientId === undefined || lease.serverId === undefined)
      throw new Error('the lease has no identifiers')
    const ids = ['--client-id', lease.clientId, '--server-id', lease.serverId, '--iaid', lease.iaid]
    await run(['dhcp_release6', '--iface', object.link, ...ids, '--ip', lease.ip], { namespace })
  }

  return {
    name: 'leases',
    kinds: ['lease'],
    removesAtOnce: false,
    scopeOf: (object) => (object.kind === 'lease' ? object.file : ''),
    async start(listener) {
      events = listener
      for (const key of options.ledger.keys()) {
        const [, place, holder] = /^withdrawn (.+?)(?: from (\d+ \S+))?$/.exec(key) ?? []
        if (place !== undefined) withdrawn.set(place, holder)
      }
      return []
    },
    wanted(key, object, before) {
      if (object?.kind === 'lease') {
        files.set(object.file, { process: object.process, namespace: object.namespace, link: object.link })
        count(object, 1)
        const ofProcess = wantedLeases.get(object.process) ?? new Map<string, Lease>()
        wantedLeases.set(object.process, ofProcess.set(key, object))
      }
      if (before?.kind === 'lease') {
        count(before, -1)
        if (!object) {
          wantedLeases.get(before.process)?.delete(key)
          if (wantedLeases.get(before.process)?.size === 0) {
            wantedLeases.delete(before.process)
            files.delete(before.file)
          }
          if (before.ip.includes(':')) withdraw(`${before.file} ${before.ip}`)
        }
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
    initial(process) {
      const leases = [...(wantedLeases.get(process)?.values() ?? [])].filter(({ ip }) => !ip.includes(':'))
      return leases.map(({ mac, ip }) => `0 ${mac} ${ip} * *\n`).join('')
    },
    async starting(process) {
      const path = optionOf(process, '--dhcp-leasefile')
      if (path === undefined) return
      const before = await textOf(path)
      const text = leasesWithin(servedPrefixes(process.argv), before)
      if (text === before) return
      // By one write to the very file: the server needs this one, and never finds half of it.
      await writeFile(path, text.padEnd(before.length, '\n'), { flag: 'r+' })
    },
    async stop() {},
  }
}

function optionOf(process: Process, name: string): string | undefined {
  return process.argv.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Who has a lease, by what he says of himself. */
const holderOf = ({ iaid, clientId }: DnsmasqLease): string => `${iaid} ${clientId}`

/** Without a holder until one was looked for. */
function withdrawnKey(place: string, holder: string | undefined): string {
  return `withdrawn ${place}${holder === undefined ? '' : ` from ${holder}`}`
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return ''
  }
}
