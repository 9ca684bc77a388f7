/** The switch of a host: bridges, ports, tags and flows come, are repaired and go; others' things are left alone. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostObject, SegmentRef } from '../../host/objects.ts'
import { segmentKey } from '../../host/objects.ts'
import { type RemoteHost, startRemoteHost } from './host.remote.ts'
import { createTestHost, type TestHost, whyNoTestHosts } from './sandbox.ts'

const segment: SegmentRef = {
  networkId: '8d1f4e1c-0000-4000-8000-000000000001',
  networkType: 'vxlan',
  physicalNetwork: null,
  segmentationId: 1001,
}
const vlan = `{vlan:${segmentKey(segment)}}`
const tci = `{vlan_tci:${segmentKey(segment)}}`

const bridges: HostObject[] = [
  { kind: 'ovs-bridge', name: 'br-int', datapathType: 'netdev', failMode: 'secure' },
  { kind: 'ovs-bridge', name: 'br-tun', datapathType: 'netdev', failMode: 'secure' },
  { kind: 'ovs-port', bridge: 'br-int', name: 'patch-tun', type: 'patch', options: { peer: 'patch-int' } },
  { kind: 'ovs-port', bridge: 'br-tun', name: 'patch-int', type: 'patch', options: { peer: 'patch-tun' } },
  {
    kind: 'ovs-port',
    bridge: 'br-tun',
    name: 'vxlan-c0000202',
    type: 'vxlan',
    options: {
      remote_ip: '192.0.2.2',
      local_ip: '192.0.2.1',
      in_key: 'flow',
      out_key: 'flow',
      dst_port: '4789',
    },
  },
]

function flow(bridge: string, table: number, priority: number, match: string, actions: string): HostObject {
  return { kind: 'flow', bridge, table, priority, match, actions }
}

/** Every form of flow that a pipeline like Neutron's needs. */
const pipeline: HostObject[] = [
  flow('br-int', 0, 0, '', 'drop'),
  flow('br-int', 0, 2, 'in_port={port:patch-tun}', 'resubmit(,60)'),
  flow('br-int', 0, 9, 'in_port={port:patch-tun},vlan_tci=0x1000/0x1000', 'drop'),
  flow('br-int', 0, 10, 'in_port={port:tap-a},vlan_tci=0x0000/0x1fff', 'resubmit(,24)'),
  flow('br-int', 0, 11, `in_port={port:patch-tun},vlan_tci=${tci}/0x1fff`, 'resubmit(,60)'),
  flow('br-int', 23, 0, '', 'drop'),
  flow('br-int', 24, 2, 'arp,in_port={port:tap-a},arp_spa=10.0.0.5', 'resubmit(,25)'),
  flow(
    'br-int',
    24,
    2,
    'icmp6,in_port={port:tap-a},icmp_type=136,nd_target=fe80::f816:3eff:fe00:1',
    'resubmit(,60)',
  ),
  flow('br-int', 24, 0, '', 'drop'),
  flow('br-int', 25, 2, 'in_port={port:tap-a},dl_src=fa:16:3e:00:00:01', 'resubmit(,60)'),
  flow('br-int', 25, 3, 'ip,in_port={port:tap-a},nw_src=10.0.0.5', 'resubmit(,60)'),
  flow('br-int', 25, 3, 'ipv6,in_port={port:tap-a},ipv6_src=2001:db8::5', 'resubmit(,60)'),
  flow('br-int', 25, 3, 'udp,in_port={port:tap-a},tp_src=68,tp_dst=67', 'resubmit(,60)'),
  flow('br-int', 60, 3, '', 'NORMAL'),
  flow('br-int', 60, 4, 'in_port=LOCAL', 'output:{port:tap-a},output:{port:patch-tun}'),
  flow('br-int', 60, 5, `dl_vlan=${vlan},dl_dst=fa:16:3e:00:00:01`, 'strip_vlan,output:{port:tap-a}'),
  flow(
    'br-int',
    60,
    6,
    'vlan_tci=0x0000/0x1fff,in_port={port:tap-a}',
    `push_vlan:0x8100,set_field:4097->vlan_vid,NORMAL`,
  ),
  flow('br-tun', 0, 1, 'in_port={port:patch-int}', 'resubmit(,2)'),
  flow('br-tun', 0, 1, 'in_port={port:vxlan-c0000202}', 'resubmit(,4)'),
  flow('br-tun', 0, 0, '', 'drop'),
  flow('br-tun', 2, 0, 'dl_dst=00:00:00:00:00:00/01:00:00:00:00:00', 'resubmit(,20)'),
  flow('br-tun', 2, 0, 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00', 'resubmit(,22)'),
  flow('br-tun', 3, 0, '', 'drop'),
  flow('br-tun', 4, 1, 'tun_id=0x3e9', `mod_vlan_vid:${vlan},resubmit(,10)`),
  flow('br-tun', 6, 0, '', 'drop'),
  flow(
    'br-tun',
    10,
    1,
    '',
    'learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],' +
      'load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:NXM_OF_IN_PORT[]),output:{port:patch-int}',
  ),
  flow('br-tun', 20, 0, '', 'resubmit(,22)'),
  flow(
    'br-tun',
    20,
    2,
    `dl_vlan=${vlan},dl_dst=fa:16:3e:00:00:02`,
    'strip_vlan,set_tunnel:0x3e9,output:{port:vxlan-c0000202}',
  ),
  flow(
    'br-tun',
    21,
    1,
    `arp,dl_vlan=${vlan},arp_tpa=10.0.0.6,arp_op=1`,
    'move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],mod_dl_src:fa:16:3e:00:00:02,load:0x2->NXM_OF_ARP_OP[],' +
      'move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],' +
      'load:0xfa163e000002->NXM_NX_ARP_SHA[],load:0xa000006->NXM_OF_ARP_SPA[],IN_PORT',
  ),
  flow('br-tun', 22, 1, `dl_vlan=${vlan}`, 'strip_vlan,set_field:0x3e9->tun_id,output:{port:vxlan-c0000202}'),
  flow('br-tun', 22, 0, '', 'drop'),
]

const tag: HostObject = { kind: 'ovs-tag', port: 'tap-a', segment }

/** Flows of our cookie as the tool shows them, with their durations. */
async function dump(host: TestHost, bridge: string): Promise<{ text: string; age: number }[]> {
  const text = await host.run(['ovs-ofctl', 'dump-flows', '--no-names', bridge, 'cookie=0x4e75/-1'])
  return text
    .split('\n')
    .filter((line) => line.includes('cookie='))
    .map((line) => ({
      age: Number(/duration=([\d.]+)s/.exec(line)?.[1]),
      text: line.replace(/ duration=.*?n_bytes=\d+,( (idle|hard)_age=\d+,)*/, ''),
    }))
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8000
  while (!(await check())) {
    assert.ok(Date.now() < deadline, `${what} did not come about`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

describe('the switch of a host', { skip: whyNoTestHosts() ?? false }, () => {
  let box: TestHost
  let host: RemoteHost
  const ovs = (...argv: string[]): Promise<string> => box.run(['ovs-vsctl', ...argv])

  before(async () => {
    box = await createTestHost('switch')
    await ovs('add-br', 'br-ex', '--', 'set', 'bridge', 'br-ex', 'datapath_type=netdev')
    host = await startRemoteHost(box)
  })
  after(async () => {
    await host?.stop()
    await box?.destroy()
  })

  test('bridges and ports come in one go, and removals wait to be allowed', async () => {
    await host.set(['base', bridges])
    await host.settled('base')
    assert.match(await ovs('get', 'bridge', 'br-int', 'fail_mode'), /secure/)
    assert.ok(Number(await ovs('get', 'interface', 'patch-tun', 'ofport')) > 0)
    assert.ok(Number(await ovs('get', 'interface', 'vxlan-c0000202', 'ofport')) > 0)
    await host.set(['base', bridges.slice(0, 4)])
    await host.settled('base')
    assert.match(await ovs('list-ports', 'br-tun'), /vxlan-c0000202/)
    await host.become(['base', bridges])
    await host.become(['base', bridges.slice(0, 4)])
    assert.doesNotMatch(await ovs('list-ports', 'br-tun'), /vxlan-c0000202/)
    await host.become(['base', bridges])
  })

  test('a plug is told, tagged, and its flows are written once it has a number', async () => {
    await host.set(['pipeline', pipeline], ['a', [tag]])
    await ovs(
      ...['add-port', 'br-int', 'tap-a', '--', 'set', 'interface', 'tap-a', 'type=internal'],
      ...['external_ids:iface-id=port-a', 'external_ids:attached-mac="fa:16:3e:00:00:01"'],
    )
    await host.settled('a')
    await host.settled('pipeline')
    const plug = (await host.plugs()).get('port-a')
    assert.equal(plug?.device, 'tap-a')
    assert.equal(plug?.mac, 'fa:16:3e:00:00:01')
    assert.equal((await ovs('get', 'port', 'tap-a', 'tag')).trim(), '1')
    assert.match(await ovs('get', 'port', 'tap-a', 'other_config'), /net_uuid.*segmentation_id="1001"/)
    const written = (await dump(box, 'br-int')).length + (await dump(box, 'br-tun')).length
    assert.equal(written, pipeline.length)
    assert.deepEqual(
      host.logs.filter((line) => line.level === 'warn' || line.level === 'error'),
      [],
    )
  })

  test('a restarted agent changes nothing', async () => {
    const beforeFlows = [...(await dump(box, 'br-int')), ...(await dump(box, 'br-tun'))]
    const beforeRows = await ovs('--columns=name,ofport,external_ids', 'list', 'interface')
    host.process.kill('SIGKILL')
    await host.process.ended
    await new Promise((resolve) => setTimeout(resolve, 1100))
    host = await startRemoteHost(box)
    const began = Date.now()
    await host.become(['base', bridges], ['pipeline', pipeline], ['a', [tag]])
    assert.ok(Date.now() - began < 1000)
    const afterFlows = [...(await dump(box, 'br-int')), ...(await dump(box, 'br-tun'))]
    assert.deepEqual(
      afterFlows.map((line) => line.text),
      beforeFlows.map((line) => line.text),
    )
    for (const [i, line] of afterFlows.entries()) {
      assert.ok(line.age >= (beforeFlows[i]?.age ?? 0) + 1, `${line.text} was written again`)
    }
    assert.equal(await ovs('--columns=name,ofport,external_ids', 'list', 'interface'), beforeRows)
    assert.deepEqual(host.logs, [])
  })

  test('what others delete or alter comes back; what they add stays', async () => {
    const whole = (await dump(box, 'br-int')).map((line) => line.text).sort()
    await box.run(['ovs-ofctl', 'add-flow', 'br-int', 'cookie=0x77,table=99,priority=7,actions=drop'])
    await box.run(['ovs-ofctl', 'del-flows', 'br-int', 'table=24'])
    await box.run(['ovs-ofctl', 'mod-flows', '--strict', 'br-int', 'table=60,priority=3,actions=drop'])
    const same = async (): Promise<boolean> => {
      const now = (await dump(box, 'br-int')).map((line) => line.text).sort()
      return JSON.stringify(now) === JSON.stringify(whole)
    }
    await until('repair of flows', same)
    assert.match(await box.run(['ovs-ofctl', 'dump-flows', 'br-int', 'table=99']), /cookie=0x77/)
    await ovs('set', 'port', 'tap-a', 'tag=7')
    await until('repair of the tag', async () => (await ovs('get', 'port', 'tap-a', 'tag')).trim() === '1')
    await ovs('del-port', 'patch-tun')
    await until('repair of the patch port', async () => /patch-tun/.test(await ovs('list-ports', 'br-int')))
    await until('repair of flows of the patch port', async () => {
      const number = (await ovs('get', 'interface', 'patch-tun', 'ofport')).trim()
      return (await dump(box, 'br-int')).some((line) => line.text.includes(`in_port=${number} `))
    })
    assert.ok(host.logs.some((line) => line.message === 'removed by somebody'))
  })

  test('flows come back after the switch was restarted', async () => {
    await host.idle()
    const { startVswitchd, runningPid } = await import('../../host/ovs/daemons.ts')
    const pid = await runningPid(box.ovs, 'ovs-vswitchd')
    await box.run(['kill', '-9', String(pid)])
    await until('end of the switch', async () => (await runningPid(box.ovs, 'ovs-vswitchd')) === undefined)
    await startVswitchd(box.ovs)
    await until('flows', async () => {
      try {
        return (await dump(box, 'br-int')).length + (await dump(box, 'br-tun')).length === pipeline.length
      } catch {
        return false
      }
    })
  })

  test('flows come back on a bridge that was away for a while, and are watched there', async () => {
    const whole = (await dump(box, 'br-tun')).length
    const same = async (): Promise<boolean> => (await dump(box, 'br-tun').catch(() => [])).length === whole
    // A process that does not heed its signal makes a pass of three seconds.
    const argv = ['sh', '-c', 'trap "" TERM; sleep 60'] as const
    await host.become(['stubborn', [{ kind: 'process', id: 'stubborn', namespace: null, argv }]])
    await until('its start', async () =>
      /sleep 60/.test(await box.run(['pgrep', '-ax', 'sleep']).catch(() => '')),
    )
    await host.set(['stubborn', []])
    await until('the signal', async () => host.logs.some((line) => line.key === 'process stubborn'))
    // Its monitor says nothing of the flows that go with the bridge.
    const monitor = (await box.run(['pgrep', '-f', 'ovs-ofctl monitor .*/br-tun.mgmt'])).trim()
    await box.run(['kill', '-STOP', monitor])
    await ovs('del-br', 'br-tun')
    await box.run(['kill', '-KILL', monitor])
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.doesNotMatch(await ovs('list-br'), /br-tun/)
    await until('flows', same)
    await host.idle()
    await box.run(['ovs-ofctl', 'del-flows', 'br-tun', 'table=20'])
    await until('repair of flows', same)
  })

  test('a flow that the switch refuses fails alone', async () => {
    const good = flow('br-int', 61, 1, 'in_port={port:tap-a}', 'NORMAL')
    const break_ = flow('br-int', 61, 2, '', 'drop\nadd table=61,priority=99,actions=NORMAL')
    await host.set(
      ['bad', [flow('br-int', 61, 1, 'nonesuch=1', 'NORMAL')]],
      ['good', [good]],
      ['break', [break_]],
    )
    await host.settled('good')
    await host.settled('break', false)
    assert.doesNotMatch(await box.run(['ovs-ofctl', 'dump-flows', 'br-int', 'table=61']), /priority=99/)
    await host.settled('bad', false)
    await until('report', async () => (host.statuses.get('bad')?.failures.length ?? 0) > 0)
    await host.become(['bad', []], ['good', []], ['break', []])
  })

  test('a plug that nobody wires is dead', async () => {
    await ovs(
      ...['add-port', 'br-int', 'tap-b', '--', 'set', 'interface', 'tap-b', 'type=internal'],
      'external_ids:iface-id=port-b',
    )
    await until('dead tag', async () => (await ovs('get', 'port', 'tap-b', 'tag')).trim() === '4095')
  })

  test('an unwired port is dead, and foreign things outlive ours', async () => {
    await host.become(['a', []])
    await until('dead tag', async () => (await ovs('get', 'port', 'tap-a', 'tag')).trim() === '4095')
    await host.become(['pipeline', []])
    assert.equal((await dump(box, 'br-int')).length, 0)
    await host.become(['base', []])
    assert.equal((await ovs('list-br')).trim(), 'br-ex\nbr-int', 'others have ports on it')
    assert.equal((await ovs('list-ports', 'br-int')).trim(), 'tap-a\ntap-b')
    await ovs('del-port', 'tap-a', '--', 'del-port', 'tap-b')
    await until('end of the bridge', async () => (await ovs('list-br')).trim() === 'br-ex')
  })
})
