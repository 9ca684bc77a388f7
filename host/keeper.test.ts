/** The keeper with a facility in memory that can fail: what it makes, leaves, removes, retries and tells. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Facility, FacilityEvents, Observed } from './facility.ts'
import { createKeeper } from './keeper.ts'
import type { HostObject } from './objects.ts'
import { objectKey } from './objects.ts'
import { createReconciler } from './reconciler.ts'

const file = (path: string, content: string): HostObject => ({ kind: 'file', path, content, mode: 0 })
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Files that are a map, and an account of what was done to them. */
function createShelf() {
  const content = new Map<string, string>()
  const broken = new Set<string>()
  /** Paths that are still to be seen once after they were removed. */
  const lingering = new Set<string>()
  const done: string[] = []
  let events: FacilityEvents | undefined
  const facility: Facility = {
    name: 'shelf',
    kinds: ['file'],
    removesAtOnce: false,
    scopeOf: () => 'shelf',
    async start(listener) {
      events = listener
      return ['shelf']
    },
    async observe() {
      const found: Observed[] = [...content].map(([path, text]) => {
        const object = file(path, text)
        return { ident: objectKey(object), object, ours: !path.startsWith('/foreign') }
      })
      return { complete: true, found }
    },
    verdict(seen, wanted) {
      if (seen?.object.kind !== 'file' || wanted.kind !== 'file') return 'differs'
      return seen.object.content === wanted.content ? 'settled' : 'differs'
    },
    async apply(changes) {
      const failures = new Map<string, string>()
      for (const { ident, wanted, observed } of changes) {
        const object = wanted ?? observed?.object
        if (object?.kind !== 'file') continue
        done.push(`${wanted ? (observed ? 'alter' : 'make') : 'remove'} ${object.path}`)
        if (broken.has(object.path)) failures.set(ident, 'broken')
        else if (wanted?.kind === 'file') content.set(wanted.path, wanted.content)
        else if (!lingering.delete(object.path)) content.delete(object.path)
        else setTimeout(() => content.delete(object.path), 3)
      }
      return failures
    },
    async stop() {},
  }
  return { facility, content, broken, lingering, done, disturb: () => events?.changed('shelf') }
}

async function createWorld(t: TestContext, repair = true) {
  const shelf = createShelf()
  const drifted: string[] = []
  const lines: object[] = []
  const note = (facts: object, message: string) => void lines.push({ message, ...facts })
  const keeper = createKeeper({
    facility: shelf.facility,
    log: { ...quiet, info: note, warn: note },
    repair,
    wake: () => reconciler.wake(),
    renewed() {},
    drifted: (_kind, ident) => drifted.push(ident),
  })
  const reconciler = createReconciler({ stages: [[keeper]], log: quiet, auditInterval: 0 })
  t.after(() => reconciler.stop())
  const told = new Map<string, boolean>()
  const failures = new Map<string, string[]>()
  reconciler.onStatus((changed) => {
    for (const status of changed) {
      told.set(status.id, status.settled)
      failures.set(
        status.id,
        status.failures.map((failure) => failure.message),
      )
    }
  })
  return {
    shelf,
    keeper,
    reconciler,
    told,
    failures,
    drifted,
    lines,
    async start() {
      await keeper.start()
      reconciler.start()
      await reconciler.idle()
    },
  }
}

describe('a keeper', () => {
  test('a place where nothing is and nothing is wanted is forgotten, and known again when something is', async (t) => {
    const { shelf, keeper, reconciler, told, start } = await createWorld(t)
    await start()
    assert.deepEqual(keeper.auditScopes(), [])
    reconciler.allowRemovals()
    for (const round of [1, 2]) {
      reconciler.setPiece('a', [file('/new', '1')])
      await reconciler.idle()
      assert.deepEqual([keeper.auditScopes(), told.get('a')], [['shelf'], true], `round ${round}`)
      reconciler.setPiece('a', [])
      await reconciler.idle()
      assert.deepEqual(keeper.auditScopes(), [], `round ${round}`)
    }
    assert.deepEqual(shelf.done, ['make /new', 'remove /new', 'make /new', 'remove /new'])
  })

  test('makes, and removes nothing before it may', async (t) => {
    const { shelf, reconciler, told, start } = await createWorld(t)
    shelf.content.set('/old', 'x').set('/foreign', 'x').set('/kept', 'same')
    await start()
    reconciler.setPiece('a', [file('/new', '1'), file('/kept', 'same')])
    await reconciler.idle()
    assert.deepEqual(shelf.done, ['make /new'])
    assert.equal(told.get('a'), true)
    reconciler.allowRemovals()
    await reconciler.idle()
    assert.deepEqual(shelf.done, ['make /new', 'remove /old'])
    assert.equal(shelf.content.get('/foreign'), 'x')
  })

  test('puts right what drifts, or tells of it where repair is off', async (t) => {
    for (const repair of [true, false]) {
      const { shelf, reconciler, told, drifted, start } = await createWorld(t, repair)
      await start()
      reconciler.setPiece('a', [file('/x', '1')])
      await reconciler.idle()
      shelf.content.set('/x', 'altered')
      shelf.disturb()
      await reconciler.idle()
      assert.equal(shelf.content.get('/x'), repair ? '1' : 'altered')
      assert.equal(told.get('a'), repair)
      assert.deepEqual(drifted, ['file /x'])
      reconciler.setPiece('a', [file('/x', '2')])
      await reconciler.idle()
      assert.equal(shelf.content.get('/x'), '2')
    }
  })

  test('one that fails holds nobody up, is told with its reason, and is tried again', async (t) => {
    const { shelf, reconciler, told, failures, start } = await createWorld(t)
    await start()
    shelf.broken.add('/bad')
    reconciler.setPiece('bad', [file('/bad', '1')])
    reconciler.setPiece('good', [file('/good', '1')])
    await reconciler.idle()
    assert.deepEqual([told.get('bad'), told.get('good')], [false, true])
    assert.deepEqual(failures.get('bad'), ['broken'])
    shelf.broken.clear()
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(told.get('bad'), true)
  })

  test('a few that fail or go are named each, many alike are one line', async (t) => {
    const { shelf, reconciler, lines, start } = await createWorld(t)
    await start()
    const paths = (count: number) => Array.from({ length: count }, (_, n) => `/bad-${n}`)
    for (const path of paths(3000)) shelf.broken.add(path)
    const named = async (count: number, what: string) => {
      lines.length = 0
      reconciler.setPiece(
        'bad',
        paths(count).map((path) => file(path, what)),
      )
      await reconciler.idle()
      // On a busy machine some have been tried again by now.
      return lines.filter((line) => 'attempts' in line && line.attempts === 1)
    }
    const few = await named(2, 'few')
    assert.deepEqual(few, [
      { message: 'cannot apply', facility: 'shelf', key: 'file /bad-0', attempts: 1, reason: 'broken' },
      { message: 'cannot apply', facility: 'shelf', key: 'file /bad-1', attempts: 1, reason: 'broken' },
    ])
    const [line, ...more] = await named(3000, 'many')
    assert.deepEqual(more, [])
    const { keys, ...facts } = line as { keys: string[] }
    assert.deepEqual(facts, {
      message: 'cannot apply',
      facility: 'shelf',
      attempts: 1,
      reason: 'broken',
      count: 3000,
    })
    assert.equal(keys.length, 10)
  })

  test('is idle once what goes in two steps is gone', async (t) => {
    const { shelf, reconciler, start } = await createWorld(t)
    shelf.content.set('/old', 'x')
    shelf.lingering.add('/old')
    await start()
    reconciler.allowRemovals()
    const late = setTimeout(() => assert.fail('it is not idle after five seconds'), 5000)
    await reconciler.idle()
    clearTimeout(late)
    assert.equal(shelf.content.has('/old'), false)
  })

  test('a piece that is set again is told of again', async (t) => {
    const { reconciler, told, start } = await createWorld(t)
    await start()
    reconciler.setPiece('a', [file('/x', '1')])
    await reconciler.idle()
    told.clear()
    reconciler.setPiece('a', [file('/x', '1')])
    await reconciler.idle()
    assert.equal(told.get('a'), true)
  })

  test('a random walk ends where it should', async (t) => {
    const { shelf, reconciler, told, start } = await createWorld(t)
    await start()
    reconciler.allowRemovals()
    let seed = 7
    const random = (n: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return seed % n
    }
    const wanted = new Map<string, HostObject[]>()
    for (let step = 0; step < 400; step++) {
      const id = `p${random(6)}`
      const objects = Array.from({ length: random(4) }, () => {
        const n = random(8)
        return file(`/${n}`, String(n))
      })
      wanted.set(id, objects)
      reconciler.setPiece(id, objects)
      if (random(5) === 0) shelf.content.delete(`/${random(8)}`)
      if (random(5) === 0) shelf.content.set(`/${random(20)}`, 'stray')
      if (random(3) === 0) shelf.disturb()
      if (random(4) === 0) await reconciler.idle()
    }
    shelf.disturb()
    await reconciler.idle()
    const union = new Map(
      [...wanted.values()].flat().map((object) => [object.kind === 'file' ? object.path : '', object]),
    )
    assert.deepEqual([...shelf.content.keys()].sort(), [...union.keys()].sort())
    for (const [path, text] of shelf.content) assert.equal(`/${text}`, path)
    for (const [id] of wanted) assert.equal(told.get(id), true)
  })
})
