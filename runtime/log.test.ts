import assert from 'node:assert/strict'
import fs, { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createLogger } from './log.ts'

function linesOf(): { destination: Writable; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { destination, lines }
}

test('writes one JSON object a line with level, time, name and the fields of its parents', () => {
  const { destination, lines } = linesOf()
  const log = createLogger({ name: 'server', destination }).child({ requestId: 'req-1' })
  log.info({ port: 'p' }, 'created')
  log.debug({}, 'not at this level')
  assert.equal(lines.length, 1)
  const [{ level, name, requestId, port, msg, time } = {}] = lines
  assert.deepEqual(
    { level, name, requestId, port, msg },
    {
      level: 'info',
      name: 'server',
      requestId: 'req-1',
      port: 'p',
      msg: 'created',
    },
  )
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
})

test('blanks secrets wherever they usually stand', () => {
  const { destination, lines } = linesOf()
  const log = createLogger({ name: 'server', destination })
  log.info(
    {
      password: 'hidden-1',
      user: { password: 'hidden-2', name: 'shown' },
      request: { headers: { 'x-auth-token': 'hidden-3', authorization: 'hidden-4', host: 'shown' } },
      headers: { 'x-subject-token': 'hidden-5' },
    },
    'asked',
  )
  const text = JSON.stringify(lines)
  assert.doesNotMatch(text, /hidden/)
  assert.equal(text.match(/shown/g)?.length, 2)
})

test('an error comes out with its message, stack and cause', () => {
  const { destination, lines } = linesOf()
  createLogger({ name: 'server', destination }).error(
    { err: new Error('outer', { cause: new Error('inner') }) },
    'no',
  )
  const err = lines[0]?.err as Record<string, string>
  assert.match(String(err.message), /outer/)
  assert.match(String(err.stack), /inner/)
})

test('a full disk stops nobody, and is told of once when there is room', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-log-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const destination = join(directory, 'log')
  const log = createLogger({ name: 'server', destination })
  log.info({}, 'before')
  const full = t.mock.method(fs, 'writeSync', () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  })
  for (let n = 0; n < 20_000; n++) log.info({ n }, 'meanwhile')
  full.mock.restore()
  for (const message of ['first', 'second']) {
    log.info({ long: 'x'.repeat(200) }, message)
    await setImmediate()
  }
  const text = readFileSync(destination, 'utf8')
  const told = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const held = told.filter(({ msg }) => msg === 'meanwhile').length
  assert.ok(held > 1000 && held < 19_000, `${held} lines were held back`)
  assert.deepEqual(
    told.filter(({ msg }) => msg !== 'meanwhile').map(({ msg, lines }) => lines ?? msg),
    // The first line found no room beside those that were held back, and made it.
    ['before', 20_001 - held, 'second'],
  )
})
