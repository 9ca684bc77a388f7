import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fillDisk } from '../../runtime/testing/full-disk.ts'
import { openLedger } from '../ledger.ts'
import type { Lease, Process } from '../objects.ts'
import { createLeasesFacility } from './leases.facility.ts'

test('leases are seen while their server is wanted; afterwards nobody looks at its file', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-leases-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'leases')
  const [ip, mac] = ['10.0.0.5', 'fa:16:3e:00:00:05']
  writeFileSync(file, `1700000000 ${mac} ${ip} * *\n`)
  const wanted = new Map<string, Process>()
  const facility = createLeasesFacility({
    ledger: openLedger(join(directory, 'ledger')),
    processes: () => wanted.values(),
    isWanted: (id) => wanted.has(id),
  })
  const server: Process = {
    kind: 'process',
    id: 'dnsmasq-1',
    namespace: 'qdhcp-1',
    argv: ['dnsmasq', `--dhcp-leasefile=${file}`, '--interface=tap-1'],
  }
  const lease: Lease = {
    kind: 'lease',
    process: server.id,
    namespace: 'qdhcp-1',
    link: 'tap-1',
    file,
    ip,
    mac,
  }
  const key = `lease ${server.id} ${ip} ${mac}`
  const look = async () => (await facility.observe(file)).found.map(({ ident, ours }) => [ident, ours])
  wanted.set(server.id, server)
  assert.deepEqual(await look(), [[key, true]], 'known by the arguments of its server')
  facility.wanted?.(key, lease, undefined)
  assert.deepEqual(await look(), [[key, true]])
  facility.wanted?.(key, undefined, lease)
  assert.deepEqual(await look(), [[key, true]])
  assert.deepEqual([...(facility.auditScopes?.() ?? [])], [file])
  wanted.delete(server.id)
  assert.deepEqual(await look(), [])
  assert.deepEqual([...(facility.auditScopes?.() ?? [])], [])

  // Not even a full disk keeps anybody from withdrawing.
  const other: Lease = { ...lease, ip: '2001:db8::5' }
  const disk = fillDisk(t)
  facility.wanted?.('six', other, undefined)
  facility.wanted?.('six', undefined, other)
  disk.free()
})

test('from whom an address was withdrawn is known to the next agent: it keeps the lease of whoever came after', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-leases-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'leases')
  const ip = '2001:db8::5'
  const of = { kind: 'lease', process: 'dnsmasq-1', namespace: 'qdhcp-1', link: 'tap-1', file, ip } as const
  const [a, b]: [Lease, Lease] = [
    { ...of, mac: 'fa:16:3e:00:00:0a' },
    { ...of, mac: 'fa:16:3e:00:00:0b' },
  ]
  const hold = ({ mac }: Lease) =>
    writeFileSync(file, `duid 00:01\n1700000000 7 ${ip} * 00:03:00:01:${mac}\n`)
  const agent = async () => {
    const ledger = openLedger(join(directory, 'ledger'))
    const facility = createLeasesFacility({ ledger, processes: () => [], isWanted: () => true })
    await facility.start({ changed() {}, resolved() {}, renewed() {} })
    return {
      want: (lease: Lease) => facility.wanted?.(`lease ${lease.mac}`, lease, undefined),
      withdraw: (lease: Lease) => facility.wanted?.(`lease ${lease.mac}`, undefined, lease),
      /** Whether the lease is to be released. */
      releases: async () => (await facility.observe(file)).found.map(({ ours }) => ours),
      known: () => [...ledger.keys()],
    }
  }
  hold(a)
  const first = await agent()
  first.want(a)
  assert.deepEqual(await first.releases(), [false])
  first.want(b)
  first.withdraw(a)
  assert.deepEqual(await first.releases(), [true])

  const second = await agent()
  second.want(b)
  assert.deepEqual(await second.releases(), [true], 'it is the first one’s yet')
  const third = await agent()
  hold(b)
  third.want(b)
  assert.deepEqual([await third.releases(), third.known()], [[false], []])

  third.want(a)
  third.withdraw(b)
  assert.deepEqual([await third.releases(), third.known().length], [[true], 1])
  rmSync(file)
  assert.deepEqual([await third.releases(), third.known()], [[], []])
})
