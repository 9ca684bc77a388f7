/**
 * Whatever of ours somebody removes or alters is put right within five seconds, told in the log and counted; what
 * is not ours outlives start, drift, restart and `down`. With one instance, and with two hundred ports.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startUp, stopUp } from '../../cli/bench/bench.place.ts'
import { type Layout, layoutOf, readCloud } from '../../cli/state/layout.ts'
import { removeAll } from '../../cli/up/down.ts'
import { createClient } from '../../client/http.ts'
import { create, list, type Network, type Port } from '../../client/networking.ts'
import { startOvs } from '../../host/ovs/daemons.ts'
import { run } from '../../host/run.ts'
import { boxed } from '../kernel/boxed.ts'
import { createForeignThings, type ForeignThings } from './foreign.ts'

const launcher = new URL('../../nucleon', import.meta.url).pathname
const metricsPort = 9701
/** Milliseconds. */
const limit = 5000
const ours = 'cookie=0x6e75636c656f6e00/-1'

interface Drift {
  what: string
  /** As the metric and the log name it. */
  kind: string
  alter(): Promise<unknown>
  /** What has to be there again. */
  repaired(): Promise<boolean>
}

boxed(import.meta.filename, () => {
  let directory = ''
  let layout: Layout
  let up: ChildProcess
  let foreign: ForeignThings
  let network: Network
  let port: Port
  let dhcp: Port

  const sh = (...argv: [string, ...string[]]) => run(argv)
  const vsctl = (...argv: string[]) => run(['ovs-vsctl', ...argv])
  const space = () => `qdhcp-${network.id}`
  const device = () => `tap${dhcp.id.slice(0, 11)}`
  const inside = (...argv: string[]) => run(['ip', 'netns', 'exec', space(), ...argv])
  const has = async (text: Promise<string>, part: string | RegExp) =>
    typeof part === 'string' ? (await text).includes(part) : part.test(await text)
  const servedFrom = () => join(layout.agent, 'run', 'dhcp', network.id)
  const dnsmasqPid = () => readFileSync(join(servedFrom(), 'pid'), 'utf8').trim()
  const flow = (bridge: string, match: string) =>
    run(['ovs-ofctl', 'dump-flows', '--no-names', bridge, match])
  const leases = () => join(servedFrom(), 'leases')
  /** The file that the entry of the instance's port is in. */
  const hostsFile = () => {
    const hosts = join(servedFrom(), 'hosts')
    const found = readdirSync(hosts)
      .map((name) => join(hosts, name))
      .find((path) => readFileSync(path, 'utf8').includes(port.mac_address))
    assert.ok(found)
    return found
  }
  const acceptRa = () => `/proc/sys/net/ipv6/conf/${device()}/accept_ra`

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(name))
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
  }

  const driftOf = (kind: string) => metric(`nucleon_agent_drift_total{kind="${kind}"`)

  async function calm(): Promise<void> {
    for (let quiet = 0, n = 0; quiet < 3; n++) {
      assert.ok(n < 400, 'the host does not become calm')
      const standing = (name: string) => metric(`nucleon_agent_pieces{standing="${name}"`)
      quiet = (await standing('pending')) + (await standing('failed')) === 0 ? quiet + 1 : 0
      await sleep(40)
    }
  }

  function drifts(): Drift[] {
    const [address = ''] = dhcp.fixed_ips.map((fixed) => `${fixed.ip_address}/22`)
    let saved = ''
    const once = (path: string) => {
      saved = readFileSync(path, 'utf8')
      return path
    }
    const same = (path: string) => async () => statSync(path).size > 0 && readFileSync(path, 'utf8') === saved
    const table = 'table=60,priority=3'
    return [
      {
        what: 'a flow is removed',
        kind: 'flow',
        alter: () => sh('ovs-ofctl', 'del-flows', '--strict', 'br-int', 'table=0,priority=0'),
        repaired: () => has(flow('br-int', ours), /table=0, .*priority=0/),
      },
      {
        what: 'a flow is altered',
        kind: 'flow',
        alter: () => sh('ovs-ofctl', 'mod-flows', '--strict', 'br-int', `${table},actions=drop`),
        repaired: () => has(flow('br-int', ours), /table=60, .*priority=3 actions=NORMAL/),
      },
      {
        what: 'all flows of a bridge are removed',
        kind: 'flow',
        alter: () => sh('ovs-ofctl', 'del-flows', 'br-tun', ours),
        repaired: async () => (await flow('br-tun', ours)).split('\n').length > 5,
      },
      {
        what: 'the tag of a port is altered',
        kind: 'ovs-tag',
        alter: async () => {
          saved = await vsctl('get', 'port', device(), 'tag')
          await vsctl('set', 'port', device(), 'tag=77')
        },
        repaired: async () => (await vsctl('get', 'port', device(), 'tag')) === saved,
      },
      {
        what: 'the tag of a port is removed',
        kind: 'ovs-tag',
        alter: () => vsctl('clear', 'port', device(), 'tag'),
        repaired: async () => (await vsctl('get', 'port', device(), 'tag')) === saved,
      },
      {
        what: 'a bridge is removed',
        kind: 'ovs-bridge',
        alter: () => vsctl('del-br', 'br-tun'),
        repaired: async () =>
          (await has(vsctl('list-ports', 'br-tun'), 'patch-int')) &&
          (await flow('br-tun', ours)).split('\n').length > 5,
      },
      {
        what: 'a bridge is altered',
        kind: 'ovs-bridge',
        alter: () => vsctl('set-fail-mode', 'br-tun', 'standalone'),
        repaired: () => has(vsctl('get-fail-mode', 'br-tun'), 'secure'),
      },
      {
        what: 'a patch port is removed',
        kind: 'ovs-port',
        alter: () => vsctl('del-port', 'patch-tun'),
        repaired: async () => {
          const number = (await vsctl('--if-exists', 'get', 'interface', 'patch-tun', 'ofport')).trim()
          return /^[1-9]/.test(number) && (await flow('br-int', ours)).includes(`in_port=${number} `)
        },
      },
      {
        what: 'a patch port is altered',
        kind: 'ovs-port',
        alter: () => vsctl('set', 'interface', 'patch-int', 'options:peer=nowhere'),
        repaired: () => has(vsctl('get', 'interface', 'patch-int', 'options:peer'), 'patch-tun'),
      },
      {
        what: 'the port of the DHCP server is removed',
        kind: 'ovs-port',
        alter: () => vsctl('del-port', device()),
        repaired: () => has(vsctl('--if-exists', 'get', 'port', device(), 'tag'), /^\d+\n$/),
      },
      {
        what: 'a namespace is removed',
        kind: 'namespace',
        alter: () => sh('ip', 'netns', 'delete', space()),
        repaired: async () =>
          (await has(inside('ip', 'address'), address)) && (await has(inside('ss', '-lun'), ':67')),
      },
      {
        what: 'a namespace is removed and made by another',
        kind: 'link',
        alter: async () => {
          await sh('ip', 'netns', 'delete', space())
          await sh('ip', 'netns', 'add', space())
        },
        repaired: async () =>
          (await has(inside('ip', 'address'), address)) && (await has(inside('ss', '-lun'), ':67')),
      },
      {
        what: 'a link is removed',
        kind: 'link',
        alter: () => sh('ip', 'link', 'delete', device()),
        repaired: async () =>
          (await has(inside('ip', 'address'), address)) && (await has(inside('ss', '-lun'), ':67')),
      },
      {
        what: 'a link is taken down',
        kind: 'link',
        alter: () => inside('ip', 'link', 'set', device(), 'down'),
        repaired: () => has(inside('ip', 'link', 'show', device()), 'state UP'),
      },
      {
        what: 'the MTU of the outer end is altered',
        kind: 'link',
        alter: () => sh('ip', 'link', 'set', device(), 'mtu', '1300'),
        repaired: () => has(sh('ip', 'link', 'show', device()), `mtu ${network.mtu}`),
      },
      {
        what: 'the MAC address of a link is altered',
        kind: 'link',
        alter: () => inside('ip', 'link', 'set', device(), 'address', '02:00:00:00:00:77'),
        repaired: () => has(inside('ip', 'link', 'show', device()), dhcp.mac_address),
      },
      {
        what: 'an address is removed',
        kind: 'address',
        alter: () => inside('ip', 'address', 'delete', address, 'dev', device()),
        repaired: () => has(inside('ip', 'address'), address),
      },
      {
        what: 'a route is removed',
        kind: 'route',
        alter: () => inside('ip', 'route', 'delete', 'default'),
        repaired: () => has(inside('ip', 'route'), 'default via'),
      },
      {
        what: 'dnsmasq is killed',
        kind: 'process',
        alter: async () => {
          saved = dnsmasqPid()
          await sh('kill', '-9', saved)
        },
        repaired: async () => dnsmasqPid() !== saved && (await has(inside('ss', '-lun'), ':67')),
      },
      {
        what: 'a line of the hosts is altered',
        kind: 'file',
        alter: async () => writeFileSync(once(hostsFile()), 'nonsense'),
        repaired: async () => readFileSync(hostsFile(), 'utf8') === saved,
      },
      {
        what: 'a file of the hosts is removed',
        kind: 'file',
        alter: async () => rmSync(once(hostsFile())),
        repaired: async () => readFileSync(hostsFile(), 'utf8') === saved,
      },
      {
        what: 'the mode of a file is altered',
        kind: 'file',
        alter: async () => chmodSync(hostsFile(), 0o600),
        repaired: async () => (statSync(hostsFile()).mode & 0o777) === 0o644,
      },
      {
        what: 'a directory is removed',
        kind: 'directory',
        alter: async () => rmSync(join(servedFrom(), 'hosts'), { recursive: true }),
        repaired: async () => readFileSync(hostsFile(), 'utf8') === saved,
      },
      {
        what: 'the lease file is removed',
        kind: 'lease-file',
        alter: async () => rmSync(once(leases())),
        repaired: same(leases()),
      },
      {
        what: 'the lease file is put in place of by another',
        kind: 'lease-file',
        alter: async () => {
          once(leases())
          rmSync(leases())
          writeFileSync(leases(), '')
        },
        repaired: same(leases()),
      },
      {
        what: 'the lease file is altered',
        kind: 'lease-file',
        alter: async () => writeFileSync(once(leases()), 'nonsense\n'),
        repaired: same(leases()),
      },
      {
        what: 'a sysctl is altered',
        kind: 'sysctl',
        alter: () => inside('sh', '-c', `echo 2 > ${acceptRa()}`),
        repaired: () => has(inside('cat', acceptRa()), /^0$/m),
      },
      {
        what: 'checksum offload is switched on',
        kind: 'link',
        alter: () => inside('ethtool', '-K', device(), 'tx', 'on'),
        repaired: () => has(inside('ethtool', '-k', device()), 'tx-checksumming: off'),
      },
    ]
  }

  /** Answers after how many milliseconds it was repaired, logged and counted; and the log if that was late. */
  async function provoke(drift: Drift): Promise<{ took: number; said: string }> {
    const counted = await driftOf(drift.kind)
    const log = join(layout.log, 'agent.log')
    const logged = statSync(log).size
    await drift.alter()
    const began = performance.now()
    const lacks: string[] = []
    do {
      lacks.length = 0
      if (!(await drift.repaired().catch(() => false))) lacks.push('is not repaired')
      if (lacks.length === 0 && (await driftOf(drift.kind)) === counted) lacks.push('is not counted')
      const said = readFileSync(log).subarray(logged).toString()
      const line = new RegExp(`"kind":"${drift.kind}".*(altered|removed) by somebody`)
      if (lacks.length === 0 && !line.test(said)) lacks.push('is not in the log')
      if (lacks.length > 0) await sleep(25)
    } while (lacks.length > 0 && performance.now() - began < 2 * limit)
    const took = performance.now() - began
    const said = took > limit ? readFileSync(log).subarray(logged).toString() : ''
    assert.deepEqual(lacks, [], `${drift.what}: after ${Math.round(took)} ms\n${said}`)
    await calm()
    return { took, said }
  }

  async function provokeAll(say: (text: string) => void): Promise<void> {
    const late: string[] = []
    for (const drift of drifts()) {
      const { took, said } = await provoke(drift)
      say(`${drift.what}: ${Math.round(took)} ms`)
      if (took > limit) late.push(`${drift.what}: ${Math.round(took)} ms\n${said}`)
    }
    assert.deepEqual(late, [], 'within five seconds')
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'drift-'))
    chmodSync(directory, 0o755)
    layout = layoutOf(join(directory, 'state'))
    mkdirSync(layout.root)
    writeFileSync(
      layout.localConfig,
      `[nucleon]\nagent_metrics = 127.0.0.1:${metricsPort}\n[quotas]\nquota_port = -1\n`,
    )
    await startOvs({ runDir: '/run/openvswitch' })
    foreign = await createForeignThings(join(directory, 'foreign'))
    up = (await startUp(layout)).up
    await foreign.settleOn('br-int')
    const blue = createClient(readCloud(layout, 'blue'))
    network = await create(blue, 'network', { name: 'drift' })
    await create(blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/22' })
    await run([launcher, 'instance', 'create', 'one', '--network', network.id, '--state', layout.root], {
      timeout: 60_000,
    })
    const admin = createClient(readCloud(layout, 'admin'))
    const ports = await list(admin, 'port', { network_id: network.id })
    for (const each of ports) {
      if (each.device_owner === 'network:dhcp') dhcp = each
      else port = each
    }
    await blue.close()
    await admin.close()
    await calm()
  })
  after(async () => {
    await stopUp(up)
    await foreign?.end()
    rmSync(directory, { recursive: true, force: true })
  })

  test('on an idle all-in-one all is repaired, told and counted', async (t) => {
    await provokeAll((text) => t.diagnostic(text))
    assert.deepEqual(await foreign.missing(), [])
  })

  test('and with two hundred ports', async (t) => {
    const admin = createClient(readCloud(layout, 'admin'))
    const asked = Array.from({ length: 200 }, (_, n) => ({
      network_id: network.id,
      device_id: `many-${n}`,
      device_owner: 'compute:nova',
      'binding:host_id': port['binding:host_id'],
    }))
    const { ports } = (await admin.request('POST', '/ports', { ports: asked })) as { ports: Port[] }
    const plug = ports.flatMap((each) => {
      const name = `tap${each.id.slice(0, 11)}`
      return [
        ...['--', 'add-port', 'br-int', name, 'tag=4095', '--', 'set', 'Interface', name, 'type=internal'],
        ...[`external_ids:iface-id=${each.id}`, `external_ids:attached-mac="${each.mac_address}"`],
      ]
    })
    await run(['ovs-vsctl', '--no-wait', ...plug.slice(1)], { timeout: 30_000 })
    for (let n = 0; ; n++) {
      const active = await list(admin, 'port', { network_id: network.id, status: 'ACTIVE', fields: 'id' })
      if (active.length === ports.length + 2) break
      assert.ok(n < 300, `${active.length} ports are ACTIVE`)
      await sleep(100)
    }
    await admin.close()
    await calm()
    await provokeAll((text) => t.diagnostic(text))
    assert.deepEqual(await foreign.missing(), [])
    await vsctl(...ports.flatMap((each) => ['--', 'del-port', `tap${each.id.slice(0, 11)}`]).slice(1))
  })

  test('what is not ours outlives a restart, and `down`', async () => {
    await stopUp(up)
    up = (await startUp(layout)).up
    assert.deepEqual(await foreign.missing(), [])
    await stopUp(up)
    await removeAll(layout, () => {})
    assert.deepEqual(await foreign.missing(), [])
    assert.doesNotMatch(await run(['ip', 'netns']), /qdhcp/)
    assert.equal((await run(['ovs-ofctl', 'dump-flows', 'br-int', ours])).includes('actions'), false)
  })
})
