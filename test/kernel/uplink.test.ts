/** The way out behind br-ex, changed between starts: nothing of the one before is left, and `down` leaves nothing. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Memory } from '../../cli/state/layout.ts'
import { changeUplink, ensureBridges, removeBridges, vsctl } from '../../cli/up/bridges.ts'
import { startOvs } from '../../host/ovs/daemons.ts'
import { run } from '../../host/run.ts'
import { boxed } from './boxed.ts'

const forwarding = '/proc/sys/net/ipv4/ip_forward'

boxed(import.meta.filename, () => {
  test('an uplink that is changed or given up goes', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'uplink-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    const { ovsdb } = await startOvs({ runDir: join(directory, 'ovs') })
    const here = { ovsdb, state: directory }
    await ensureBridges(here, 'netdev')
    await run(['ip', 'link', 'add', 'nic0', 'type', 'veth', 'peer', 'name', 'nic1'])
    writeFileSync(forwarding, '0')
    let memory: Memory['uplink'] = null
    const start = (wanted: string | undefined) =>
      changeUplink(here, wanted, memory, (uplink) => {
        memory = uplink
      })
    const onHost = async () => ({
      rules: (await run(['iptables-save'])).split('\n').filter((line) => line.includes('nucleon-up')).length,
      forwarding: readFileSync(forwarding, 'utf8').trim(),
    })
    const seen = async () => ({
      cards: (await vsctl(ovsdb, ['list-ports', 'br-ex'])).trim(),
      ...(await onHost()),
    })
    const nothing = { cards: '', rules: 0, forwarding: '0' }
    for (const [wanted, expected] of [
      ['nat', { cards: '', rules: 3, forwarding: '1' }],
      ['nat', { cards: '', rules: 3, forwarding: '1' }],
      ['nic0', { ...nothing, cards: 'nic0' }],
      ['nic1', { ...nothing, cards: 'nic1' }],
      ['nat', { cards: '', rules: 3, forwarding: '1' }],
      [undefined, nothing],
      ['nic0', { ...nothing, cards: 'nic0' }],
      [undefined, nothing],
      ['nat', { cards: '', rules: 3, forwarding: '1' }],
    ] as const) {
      await start(wanted)
      assert.deepEqual(await seen(), expected, wanted)
    }
    await removeBridges(here, memory)
    assert.equal((await vsctl(ovsdb, ['list-br'])).trim(), '')
    assert.deepEqual(await onHost(), { rules: 0, forwarding: '0' })
  })
})
