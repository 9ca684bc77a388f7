import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Feed } from '../../bus/feed.ts'
import { type MemoryFeedOptions, memoryFeed } from '../../bus/memory.ts'
import { setDigest } from '../../model/documents/digest.ts'
import type { Envelope } from '../../model/documents/documents.ts'
import { type LogFields, type Logger, silentLogger } from '../../runtime/log.ts'
import { l2Role } from '../l2/l2.role.ts'
import { envelope, network, port } from '../testing/documents.ts'
import { type ScriptedFeed, scriptedFeed } from '../testing/feed.server.ts'
import { memoryHost } from '../testing/host.ts'
import { openCache } from './cache.ts'
import { createDaemon } from './daemon.ts'

const settings = {
  integrationBridge: 'br-int',
  tunnelBridge: 'br-tun',
  integrationPatch: 'patch-tun',
  tunnelPatch: 'patch-int',
  datapathType: 'netdev',
  bridgeMappings: new Map(),
  localIp: '192.0.2.1',
  tunnelTypes: ['vxlan'],
  vxlanUdpPort: 4789,
  dontFragment: true,
  tunnelChecksum: false,
} as const

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-daemon-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

interface Options {
  feed: Feed
  directory: string
  host?: ReturnType<typeof memoryHost>
  log?: Logger
}

/** A daemon of host-a with the L2 role; pulls every 50 ms, beats every 40 ms. */
async function run(t: TestContext, { feed, directory, host = memoryHost(), log = silentLogger }: Options) {
  const cache = openCache({ directory, host: 'host-a', log: silentLogger })
  const daemon = createDaemon({
    hostName: 'host-a',
    feed,
    host,
    cache,
    roles: [l2Role(settings)],
    log,
    reportInterval: 40,
    safetyPull: 50,
  })
  await daemon.start()
  let running = true
  const stop = async () => {
    if (running) await daemon.stop()
    running = false
  }
  t.after(stop)
  return { daemon, cache, host, stop }
}

async function until(what: string, holds: () => boolean, within = 5000): Promise<void> {
  const end = performance.now() + within
  while (!holds()) {
    assert.ok(performance.now() < end, `not within ${within} ms: ${what}`)
    await sleep(5)
  }
}

const same = (cache: { replica: { documents: { digest(): string } } }, server: ScriptedFeed) => () =>
  cache.replica.documents.digest() === setDigest(server.held())

const net = envelope('network', network())
const doc = (n: number, generation = 1): Envelope => envelope('port', port(n, { generation }))
const fact = (server: ScriptedFeed, n: number) => server.facts.get(`port-wired ${port(n).id}`)

test('a port that is bound and plugged is wired and told of; unplugged, it is told of too', async (t) => {
  const server = scriptedFeed()
  server.put(net, doc(5))
  const { daemon, host } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t) })
  await daemon.ready
  assert.equal(host.removalsAllowed, true)
  const wired = (value: boolean) => ({ kind: 'port-wired', port_id: port(5).id, generation: 1, wired: value })
  const toldLast = (value: boolean) => () => isDeepStrictEqual(server.told.at(-1), wired(value))
  host.plug(port(5).id)
  await until('wired', toldLast(true))
  await until('acknowledged', () => daemon.pendingFacts() === 0)
  host.unplug(port(5).id)
  await until('unplugged', toldLast(false))
})

test('a new port that is not plugged costs no report; one known from before is told of', async (t) => {
  const directory = directoryFor(t)
  const server = scriptedFeed()
  server.put(net, doc(5))
  const first = await run(t, { feed: memoryFeed(server), directory })
  await first.daemon.ready
  await until('the port of the first snapshot is told of', () => server.told.length === 1)
  server.put(doc(6))
  await until('the second port has come', same(first.cache, server))
  await first.stop()
  assert.equal(server.told.length, 1)
  const second = await run(t, { feed: memoryFeed(server), directory })
  await second.daemon.ready
  await until('both are told of', () => server.facts.size === 2)
})

test('wired is told only when the pieces are in place, and again for a new generation', async (t) => {
  const server = scriptedFeed()
  server.put(net, doc(5))
  const { daemon, host, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t) })
  await daemon.ready
  host.settlesAtOnce = false
  host.plug(port(5).id)
  const told = server.told.length
  await sleep(60)
  host.settle([`l2/port/${port(5).id}`])
  await sleep(30)
  assert.equal(server.told.length, told, 'the network is not in place yet')
  host.settle([`l2/network/${network().id}`])
  await until('wired', () => server.told.length === told + 1)
  server.put(doc(5, 2))
  await until('the new generation has come', same(cache, server))
  await until('told anew', () => server.told.length === told + 2)
  assert.deepEqual(server.told.at(-1), {
    kind: 'port-wired',
    port_id: port(5).id,
    generation: 2,
    wired: true,
  })

  // An altered piece that was in place is not taken for in place.
  server.put(envelope('port', port(5, { generation: 3, port_security_enabled: false })))
  await until('the altered port has come', same(cache, server))
  await sleep(30)
  assert.equal(server.told.length, told + 2)
  host.settle([`l2/port/${port(5).id}`])
  await until('told when in place', () => server.told.length === told + 3)
})

test('a bridge that somebody makes is told of at once; one that is there is, whatever else fails', async (t) => {
  const server = scriptedFeed()
  const host = memoryHost()
  const cache = openCache({ directory: directoryFor(t), host: 'host-a', log: silentLogger })
  const daemon = createDaemon({
    hostName: 'host-a',
    feed: memoryFeed(server),
    host,
    cache,
    roles: [l2Role({ ...settings, bridgeMappings: new Map([['public', 'br-ex']]) })],
    log: silentLogger,
    reportInterval: 60_000,
  })
  await daemon.start()
  t.after(() => daemon.stop())
  await daemon.ready
  const mapped = () => server.beats.at(-1)?.agents[0]?.configurations.bridge_mappings
  assert.deepEqual(server.beats.map((beat) => beat.agents[0]?.configurations.missing_bridges)[0], {
    public: 'br-ex',
  })
  host.setBridges('br-int', 'br-tun', 'br-ex')
  await until('it is mapped', () => isDeepStrictEqual(mapped(), { public: 'br-ex' }), 1000)
  host.settle(['l2/bridge/br-ex', 'l2/base'], false)
  const beats = server.beats.length
  await sleep(30)
  assert.equal(server.beats.length, beats, 'a switch that does not answer says nothing of bridges')
})

test('hints bring changes at once, without waiting for the safety pull', async (t) => {
  const server = scriptedFeed()
  server.put(net)
  const cache = openCache({ directory: directoryFor(t), host: 'host-a', log: silentLogger })
  const daemon = createDaemon({
    hostName: 'host-a',
    feed: memoryFeed(server),
    host: memoryHost(),
    cache,
    roles: [l2Role(settings)],
    log: silentLogger,
    reportInterval: 60_000,
    safetyPull: 60_000,
  })
  await daemon.start()
  t.after(() => daemon.stop())
  await daemon.ready
  await sleep(10)
  server.put(doc(5))
  await until('the port has come', same(cache, server), 1000)
})

test('changes that could not be acted upon are not lost', async (t) => {
  const server = scriptedFeed()
  server.put(net)
  const host = memoryHost()
  const { daemon, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t), host })
  await daemon.ready
  const { setPiece } = host
  let failures = 2
  host.setPiece = (id, objects) => {
    if (failures-- > 0) throw new Error('not now')
    setPiece(id, objects)
  }
  host.plug(port(5).id)
  server.put(doc(5))
  await until('the port has come', same(cache, server))
  await until('it is acted upon', () => host.pieces.has(`l2/port/${port(5).id}`))
})

test('a piece that fails is told of once and tried again; the rest goes on, and what it has is not removed', async (t) => {
  const server = scriptedFeed()
  // What no role can read.
  const broken = envelope('port', port(5, { allowed_address_pairs: null as never }))
  server.put(net, broken, doc(6))
  const host = memoryHost()
  host.plug(port(5).id, port(6).id)
  const told: unknown[] = []
  const log = { ...silentLogger, error: ({ piece }: LogFields) => told.push(piece) }
  const { daemon, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t), host, log })
  await daemon.ready
  const wired = (n: number, generation: number) => () =>
    isDeepStrictEqual(fact(server, n), { kind: 'port-wired', port_id: port(n).id, generation, wired: true })
  await until('the other is wired', wired(6, 1))
  server.put(doc(6, 2))
  await until('and goes on', wired(6, 2))
  const { setPiece } = host
  host.setPiece = () => assert.fail('not now')
  server.put(doc(5, 3))
  await until('the port has come', same(cache, server))
  await sleep(120)
  assert.deepEqual([told, fact(server, 5)], [[`l2/port/${port(5).id}`], undefined])
  assert.equal(host.removalsAllowed, false)
  host.setPiece = setPiece
  await until('it is wired without another change', wired(5, 3))
  await until('removals are allowed', () => host.removalsAllowed)
})

const unkind: MemoryFeedOptions = {
  dropHints: 0.3,
  doubleHints: 0.3,
  delayHints: 30,
  failCalls: 0.1,
  cutCalls: 0.1,
}

for (const seed of [1, 2, 3]) {
  test(`a feed that loses, doubles, delays and fails: hosts converge all the same (seed ${seed})`, async (t) => {
    const server = scriptedFeed({ pageSize: 7 })
    server.put(net)
    const directory = directoryFor(t)
    const host = memoryHost()
    const feed = memoryFeed(server, { ...unkind, seed })
    let { cache, daemon, stop } = await run(t, { feed, directory, host })
    for (let step = 1; step <= 200; step++) {
      const n = 1 + ((step * 37) % 40)
      if (step % 5 === 0) server.remove({ type: 'port', id: port(n).id })
      else server.put(doc(n, step))
      if (step % 3 === 0) host.plug(port(n).id)
      if (step % 11 === 0) host.unplug(port(n).id)
      if (step === 60) server.restart()
      if (step === 100) feed.connected = false
      if (step === 120) feed.connected = true
      if (step === 150) {
        await stop()
        ;({ cache, daemon, stop } = await run(t, { feed, directory, host }))
      }
      await sleep(1)
    }
    await until('documents are the same', same(cache, server), 20_000)
    await until('all facts are told', () => daemon.pendingFacts() === 0, 20_000)
    await host.idle()
    const bound = new Set(cache.replica.documents.all('port').map(({ id }) => id))
    const wired = [...host.pieces.keys()].filter((id) => id.startsWith('l2/port/')).sort()
    const expected = [...host.plugs().keys()].filter((id) => bound.has(id)).map((id) => `l2/port/${id}`)
    assert.deepEqual(wired, expected.sort())
    await until('the server knows what is wired', () =>
      [...bound].every((id) => {
        const told = server.facts.get(`port-wired ${id}`)
        return (told?.kind === 'port-wired' && told.wired) === host.plugs().has(id)
      }),
    )
  })
}

test('a new epoch: what is not wanted any more goes, and all facts are told again', async (t) => {
  const server = scriptedFeed({ pageSize: 2 })
  server.put(net, doc(5), doc(6), doc(7))
  const { daemon, host, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t) })
  await daemon.ready
  host.plug(port(5).id, port(6).id)
  await until('both are wired', () => fact(server, 5) !== undefined && fact(server, 6) !== undefined)
  server.remove({ type: 'port', id: port(6).id })
  server.restart()
  await until('documents are the same', same(cache, server))
  await until('facts are told again', () => fact(server, 5) !== undefined)
  assert.deepEqual(
    [...host.pieces.keys()].filter((id) => id.startsWith('l2/port/')),
    [`l2/port/${port(5).id}`],
  )
})

test('a database that was put back: facts are told again though its epoch is the same', async (t) => {
  const server = scriptedFeed()
  server.put(net, doc(5), doc(5), doc(5))
  const { daemon, host, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t) })
  await daemon.ready
  host.plug(port(5).id)
  const wired = { kind: 'port-wired', port_id: port(5).id, generation: 1, wired: true }
  await until('it is wired', () => isDeepStrictEqual(fact(server, 5), wired))
  await until('acknowledged', () => daemon.pendingFacts() === 0)
  server.rewind()
  await until('positions went back', () => cache.replica.position?.sequence === 2)
  await until('facts are told again', () => fact(server, 5) !== undefined)
})

test('a document that changed unnoticed is found by the digest, and it alone is fetched', async (t) => {
  const server = scriptedFeed()
  server.put(net, ...Array.from({ length: 300 }, (_, n) => doc(n)))
  const { daemon, cache } = await run(t, { feed: memoryFeed(server), directory: directoryFor(t) })
  await daemon.ready
  server.tamper(doc(7, 9))
  await until('mended', same(cache, server))
  assert.equal(daemon.mended(), 1)
  assert.equal(server.calls.fetched, 1)
})

test('without a server, what the disk says is wanted; without a disk, nothing is removed', async (t) => {
  const directory = directoryFor(t)
  const server = scriptedFeed()
  server.put(net, doc(5))
  const first = await run(t, { feed: memoryFeed(server), directory })
  await first.daemon.ready
  await first.stop()

  const feed = memoryFeed(server)
  feed.connected = false
  const host = memoryHost()
  host.plug(port(5).id)
  const again = await run(t, { feed, directory, host })
  assert.ok(host.pieces.has(`l2/port/${port(5).id}`))
  assert.equal(host.removalsAllowed, true)
  await again.stop()

  const blank = await run(t, { feed, directory: directoryFor(t) })
  await sleep(30)
  assert.equal(blank.host.removalsAllowed, false)
  assert.ok(blank.host.pieces.has('l2/base'))
  feed.connected = true
  await blank.daemon.ready
  assert.equal(blank.host.removalsAllowed, true)
})
