/** `nucleon doctor` on a host where much is in the way: each clash is named, with what to do. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../cli/doctor/findings.ts'
import { startOvs } from '../../host/ovs/daemons.ts'
import { CommandError, run } from '../../host/run.ts'
import { boxed } from './boxed.ts'

const main = new URL('../../cli/main.ts', import.meta.url).pathname

async function doctor(
  directory: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; found: Finding[] }> {
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', main, 'doctor', '--json'] as const
  try {
    const text = await run([...argv, '--state', join(directory, 'state')], {
      env: { ...process.env, ...env },
    })
    return { code: 0, found: JSON.parse(text) }
  } catch (error) {
    if (!(error instanceof CommandError) || error.stdout === '') throw error
    return { code: error.status ?? -1, found: JSON.parse(error.stdout) }
  }
}

boxed(import.meta.filename, () => {
  test('a host with nothing in the way, and one with everything', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'doctor-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    const clear = await doctor(directory)
    assert.equal(clear.code, 0, JSON.stringify(clear.found, null, 1))
    assert.deepEqual(
      clear.found.filter(({ level }) => level === 'clash' || level === 'missing'),
      [],
    )
    for (const subject of ['forwarding', 'libvirt', 'br-ex', 'Neutron', 'addresses']) {
      assert.ok(!clear.found.some((each) => each.subject === subject), subject)
    }

    mkdirSync(join(directory, 'state'))
    writeFileSync(join(directory, 'state', 'nucleon.json'), '{')
    await run(['iptables', '-w', '-P', 'FORWARD', 'DROP'])
    const conf = join(directory, 'libvirt')
    mkdirSync(conf)
    writeFileSync(join(conf, 'default.conf'), 'port=0\n')
    const agent = join(directory, 'neutron-openvswitch-agent')
    writeFileSync(agent, '#!/bin/sh\nwhile :; do sleep 1; done\n', { mode: 0o755 })
    const others = [
      spawn('dnsmasq', ['--keep-in-foreground', `--conf-file=${join(conf, 'default.conf')}`], {
        stdio: 'ignore',
      }),
      spawn(agent, { stdio: 'ignore' }),
    ]
    t.after(() => {
      for (const child of others) child.kill('SIGKILL')
    })
    await startOvs({ runDir: '/run/openvswitch' })
    await run(['ip', 'link', 'add', 'nic0', 'type', 'dummy']).catch(() =>
      run(['ip', 'link', 'add', 'nic0', 'type', 'veth', 'peer', 'name', 'nic1']),
    )
    await run(['ovs-vsctl', 'add-br', 'br-ex', '--', 'set', 'bridge', 'br-ex', 'datapath_type=netdev'])
    await run(['ovs-vsctl', 'add-port', 'br-ex', 'nic0'])
    await run(['ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1'])
    await run(['ip', 'link', 'set', 'other0', 'up'])
    await run(['ip', 'address', 'add', '172.24.4.129/25', 'dev', 'other0'])

    const { code, found } = await doctor(directory)
    assert.equal(code, 1)
    const of = (subject: string) => found.find((each) => each.subject === subject)
    assert.match(of('forwarding')?.text ?? '', /FORWARD chain drops/)
    assert.match(of('libvirt')?.text ?? '', new RegExp(`process ${others[0]?.pid}\\b`))
    assert.match(of('br-ex')?.text ?? '', /of somebody else \(with nic0\)/)
    assert.deepEqual([of('Neutron')?.level, of('addresses')?.level], ['clash', 'clash'])
    assert.match(of('Neutron')?.text ?? '', new RegExp(`process ${others[1]?.pid}\\b`))
    assert.match(of('addresses')?.text ?? '', /172\.24\.4\.128\/25 on other0/)
    for (const subject of ['Neutron', 'addresses', 'forwarding', 'libvirt'])
      assert.ok(of(subject)?.advice, `${subject} says what to do`)

    // A look that fails costs the others nothing.
    assert.match(of('all-in-one')?.text ?? '', /not looked at: .*nucleon\.json is damaged/)

    const poor = await doctor(directory, { PATH: '/nonexistent' })
    assert.equal(poor.code, 1)
    const programs = poor.found.find((each) => each.subject === 'programs')
    assert.equal(programs?.level, 'missing')
    assert.match(programs?.text ?? '', /perl/)
    assert.match(programs?.advice ?? '', /apt-get install .*perl-base/)
  })
})
