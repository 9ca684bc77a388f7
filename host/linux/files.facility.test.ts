import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../runtime/log.ts'
import { fillDisk } from '../../runtime/testing/full-disk.ts'
import type { Change, Facility, FacilityEvents } from '../facility.ts'
import { type Ledger, openLedger } from '../ledger.ts'
import type { File, HostObject } from '../objects.ts'
import { createFilesFacility } from './files.facility.ts'

const events: FacilityEvents = { changed() {}, resolved() {}, renewed() {} }

/** With a process of any name that takes every signal. */
function facilityIn(
  runDir: string,
  ledger: Ledger,
  signalled: (process: string, signal: NodeJS.Signals) => unknown,
): Facility {
  return createFilesFacility({
    runDir,
    ledger,
    signal(process, signal) {
      signalled(process, signal)
      return 'sent'
    },
    isYoung: () => false,
    processes: () => [],
    pidOf: () => undefined,
    initialLeases: () => '',
    log: silentLogger,
  })
}

test('on a full disk what cannot be written fails alone, and what goes makes room', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'nucleon-files-'))
  t.after(() => rmSync(place, { recursive: true }))
  const runDir = join(place, 'run')
  const path = join(place, 'hosts')
  const signals: string[] = []
  const files = facilityIn(runDir, openLedger(join(runDir, 'ledger')), (process, signal) =>
    signals.push(`${process} ${signal}`),
  )
  await files.start(events)
  t.after(() => files.stop())
  const apply = async (...changes: [HostObject | undefined, HostObject | undefined][]) => {
    const asked = changes.map(([before, wanted]): Change => {
      const { kind, path } = (wanted ?? before) as File
      const ident = `${kind} ${path}`
      files.wanted?.(ident, wanted, before)
      return { ident, wanted, observed: before && { ident, object: before, ours: true } }
    })
    return [...(await files.apply(asked)).keys()]
  }
  const file = (name: string, content: string): File => {
    const notify: File['notify'] = { process: 'dnsmasq', signal: 'SIGHUP', on: ['update', 'remove'] }
    return { kind: 'file', path: join(path, name), content, mode: 0o644, notify }
  }
  const [a, b] = [file('a', 'old'), file('b', 'old')]
  assert.deepEqual(
    await apply([undefined, { kind: 'directory', path, mode: 0o755 }], [undefined, a], [undefined, b]),
    [],
  )

  const disk = fillDisk(t)
  const newer = file('a', 'new')
  assert.deepEqual(await apply([a, newer], [b, undefined]), [`file ${a.path}`])
  assert.deepEqual(
    [readFileSync(a.path, 'utf8'), existsSync(b.path), signals],
    ['old', false, ['dnsmasq SIGHUP']],
  )
  disk.free()
  assert.deepEqual(await apply([a, newer]), [])
  assert.equal(readFileSync(a.path, 'utf8'), 'new')
  assert.deepEqual(readdirSync(join(runDir, 'notices')), [])
})

test('a file that an agent had hidden when it died is back before its server is told to look', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'nucleon-files-'))
  t.after(() => rmSync(place, { recursive: true }))
  const runDir = join(place, 'run')
  const path = join(place, 'hosts')
  const ledger = openLedger(join(runDir, 'ledger'))
  ledger.add(`directory ${path}`)
  for (const directory of [path, join(runDir, 'notices')]) mkdirSync(directory, { recursive: true })
  writeFileSync(join(runDir, 'notices', 'dnsmasq'), 'SIGHUP')
  writeFileSync(join(path, '.a.old.new'), 'old')
  for (const name of ['b', '.b.old.new']) writeFileSync(join(path, name), name)
  let seen: string[] = []
  const files = facilityIn(runDir, ledger, () => {
    seen = readdirSync(path)
  })
  t.after(() => files.stop())
  await files.start(events)
  assert.deepEqual(seen.sort(), ['.b.old.new', 'a', 'b'])
  assert.deepEqual(
    [readFileSync(join(path, 'a'), 'utf8'), readFileSync(join(path, 'b'), 'utf8')],
    ['old', 'b'],
  )
})
