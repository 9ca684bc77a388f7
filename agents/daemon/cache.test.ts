import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs, {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { FeedPage } from '../../bus/feed.ts'
import { setDigest } from '../../model/documents/digest.ts'
import { silentLogger } from '../../runtime/log.ts'
import { fillDisk } from '../../runtime/testing/full-disk.ts'
import { envelope, port } from '../testing/documents.ts'
import { openCache } from './cache.ts'

const log = silentLogger

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-cache-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

function page(sequence: number, ports: number[], values: Partial<FeedPage> = {}): FeedPage {
  const upserts = ports.map((n) => envelope('port', port(n, { generation: sequence })))
  return {
    position: { epoch: 'e', sequence },
    snapshot: false,
    complete: true,
    upserts,
    removals: [],
    ...values,
  }
}

const snapshot = page(1, [1, 2, 3], { snapshot: true })
const open = (directory: string, host = 'host-a', compactAbove?: number) =>
  openCache({ directory, host, log, ...(compactAbove === undefined ? {} : { compactAbove }) })

test('what was taken in is there after a restart', (t) => {
  const directory = directoryFor(t)
  const first = open(directory)
  first.apply(snapshot)
  first.apply(page(2, [2, 4], { removals: [{ type: 'port', id: port(1).id }] }))
  first.repair({ upserts: [envelope('port', port(9))], removals: [{ type: 'port', id: port(3).id }] })
  first.close()
  const { replica } = open(directory)
  assert.deepEqual(replica.position, { epoch: 'e', sequence: 2 })
  assert.equal(replica.complete, true)
  assert.equal(replica.documents.digest(), first.replica.documents.digest())
  assert.deepEqual(
    replica.documents.all('port').map(({ id, generation }) => [id, generation]),
    [
      [port(2).id, 2],
      [port(4).id, 2],
      [port(9).id, 1],
    ],
  )
})

test('a line cut anywhere by a kill is forgotten, and what was before it stays', (t) => {
  const directory = directoryFor(t)
  const path = join(directory, 'documents.journal')
  const cache = open(directory)
  cache.apply(snapshot)
  const whole = statSync(path).size
  cache.apply(page(2, [4]))
  cache.close()
  const bytes = readFileSync(path)
  for (let length = whole; length < bytes.length; length += 7) {
    writeFileSync(path, bytes.subarray(0, length))
    const reopened = open(directory)
    assert.equal(reopened.replica.position?.sequence, 1, `cut at ${length}`)
    assert.equal(reopened.replica.documents.size, 3)
    reopened.apply(page(2, [4]))
    reopened.close()
    assert.equal(open(directory).replica.documents.size, 4)
  }
})

test('damage inside the file, or the file of another host, starts over', (t) => {
  const directory = directoryFor(t)
  const path = join(directory, 'documents.journal')
  const cache = open(directory)
  cache.apply(snapshot)
  cache.close()
  const good = readFileSync(path)
  const damaged = Buffer.from(good)
  damaged[good.length - 20] = 0
  const fresh = { position: null, complete: false, size: 0 }
  const stateOf = (host = 'host-a') => {
    const reopened = open(directory, host)
    reopened.close()
    const { position, complete, documents } = reopened.replica
    return { position, complete, size: documents.size }
  }
  writeFileSync(path, damaged)
  assert.deepEqual(stateOf(), fresh)
  writeFileSync(path, good)
  assert.deepEqual(stateOf('host-b'), fresh)
  writeFileSync(path, good)
  appendFileSync(path, '\0\0\0\n')
  assert.deepEqual(stateOf(), fresh)
  truncateSync(path, 0)
  assert.deepEqual(stateOf(), fresh)
})

test('half a snapshot is asked for again, and nothing held before is lost meanwhile', (t) => {
  const directory = directoryFor(t)
  const cache = open(directory)
  cache.apply(snapshot)
  cache.apply(page(5, [7], { snapshot: true, complete: false, position: { epoch: 'f', sequence: 5 } }))
  cache.close()
  const reopened = open(directory)
  assert.equal(reopened.replica.position, null)
  assert.equal(reopened.replica.complete, true)
  assert.equal(reopened.replica.documents.size, 4)
  const changes = reopened.apply(page(9, [7, 8], { snapshot: true, position: { epoch: 'f', sequence: 9 } }))
  assert.equal(changes.filter(({ after }) => after === undefined).length, 3)
  assert.equal(reopened.replica.documents.size, 2)
})

test('the journal is rewritten when it has grown, and says the same', (t) => {
  const directory = directoryFor(t)
  const cache = open(directory, 'host-a', 20_000)
  cache.apply(
    page(
      1,
      Array.from({ length: 1200 }, (_, n) => n),
      { snapshot: true },
    ),
  )
  const full = statSync(join(directory, 'documents.journal')).size
  for (let sequence = 2; sequence < 4000; sequence++) cache.apply(page(sequence, [sequence % 1200]))
  cache.close()
  const size = statSync(join(directory, 'documents.journal')).size
  assert.ok(size < 3.1 * full, `${size} bytes of at most three times ${full}`)
  const reopened = open(directory)
  assert.equal(reopened.replica.position?.sequence, 3999)
  assert.equal(reopened.replica.complete, true)
  assert.equal(reopened.replica.documents.digest(), setDigest(cache.replica.documents.envelopes()))
})

test('where it cannot be written, for whatever reason, the host goes on; and it is whole again afterwards', (t) => {
  const directory = directoryFor(t)
  const { now } = performance
  let later = 0
  t.mock.method(performance, 'now', () => now.call(performance) + later)
  const cache = open(directory, 'host-a', 1)
  cache.apply(snapshot)
  for (const code of ['EIO', 'ENOSPC']) {
    for (const writes of [0, 1, 2]) {
      const sequence = cache.replica.position?.sequence ?? 0
      const disk = fillDisk(t, writes, code)
      for (let n = 1; n <= 3; n++) {
        const changes = cache.apply(page(sequence + n, [n]))
        assert.equal(changes.length, 1, `${code} after ${writes} writes`)
      }
      disk.free()
      const during = open(directory)
      during.close()
      const known = during.replica.position
      assert.ok(known === null ? !during.replica.complete : known.sequence === sequence + 3)
      later += 2000
      cache.apply(page(sequence + 4, [4]))
      const after = open(directory)
      after.close()
      assert.equal(after.replica.position?.sequence, sequence + 4)
      assert.equal(after.replica.documents.digest(), cache.replica.documents.digest())
    }
  }
})

test('a journal that can neither be written nor set aside is doubted by the next agent, as a stale one is', (t) => {
  const directory = directoryFor(t)
  const whole = () => {
    const { replica, close } = open(directory)
    close()
    return [replica.complete, replica.position?.sequence, replica.documents.size]
  }
  const cache = open(directory)
  cache.apply(page(1, [], { snapshot: true }))
  cache.apply(page(2, [1, 2]))
  assert.deepEqual(whole(), [true, 2, 2])
  const rename = t.mock.method(fs, 'renameSync', () => assert.fail('the disk cannot be written'))
  const disk = fillDisk(t, 0, 'EIO')
  cache.apply(page(3, [3]))
  assert.deepEqual(whole(), [false, undefined, 2])
  rename.mock.restore()
  disk.free()
  rmSync(join(directory, 'documents.journal'))

  // One that is stale and says that nothing is wanted is no truer.
  const empty = open(directory)
  empty.apply(page(1, [], { snapshot: true }))
  empty.close()
  renameSync(join(directory, 'documents.journal'), join(directory, 'documents.stale'))
  assert.deepEqual(whole(), [false, undefined, 0])
})

test('a directory that cannot be had stops nobody', (t) => {
  const directory = join(directoryFor(t), 'a-file')
  writeFileSync(directory, '')
  const cache = open(directory)
  assert.equal(cache.apply(snapshot).length, 3)
  assert.equal(cache.replica.documents.size, 3)
})

test('killed at any moment while it writes, it comes back to a page that was written', async (t) => {
  const directory = directoryFor(t)
  const script = `
    import { openCache } from '${import.meta.dirname}/cache.ts'
    import { silentLogger } from '${import.meta.dirname}/../../runtime/log.ts'
    const cache = openCache({ directory: ${JSON.stringify(directory)}, host: 'host-a', log: silentLogger, compactAbove: 4000 })
    const last = cache.replica.position?.sequence ?? 0
    console.log(last)
    for (let sequence = last + 1; ; sequence++) {
      const body = { id: 'e' + (sequence % 7), host: 'h', tunnel_type: 'vxlan', ip_address: '192.0.2.1', udp_port: sequence }
      const upserts = [{ type: 'tunnel-endpoint', id: body.id, schema: 1, hash: String(sequence), body }]
      cache.apply({ position: { epoch: 'e', sequence }, snapshot: sequence === 1, complete: true, upserts, removals: [] })
      console.log(sequence)
    }`
  let acknowledged = 0
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 10 + 13 * round))
    child.kill('SIGKILL')
    await once(child, 'close')
    const written = output.split('\n').slice(0, -1).map(Number)
    assert.ok((written[0] ?? -1) >= acknowledged, `began at ${written[0]}, acknowledged ${acknowledged}`)
    acknowledged = written.at(-1) ?? acknowledged
    const { replica, close } = openCache({ directory, host: 'host-a', log })
    close()
    const sequence = replica.position?.sequence ?? 0
    assert.ok(sequence >= acknowledged, `at ${sequence}, acknowledged ${acknowledged}`)
    assert.equal(
      Math.max(0, ...replica.documents.all('tunnel-endpoint').map((each) => each.udp_port ?? 0)),
      sequence,
    )
  }
  assert.ok(acknowledged > 20, `only ${acknowledged} pages`)
})
