import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addLine,
  deleteLine,
  normalActions,
  normalMatch,
  parseDump,
  parseFlowEvent,
  splitTop,
} from './flow.text.ts'

describe('text of flows', () => {
  test('matches that mean the same have one form', () => {
    const same: [string, string][] = [
      ['', ''],
      ['in_port=3,arp', 'arp,in_port=3'],
      [
        'icmp6,in_port=1,icmpv6_type=136,nd_target=FE80::1',
        'icmp6,icmp_type=136,in_port=1,nd_target=fe80::1',
      ],
      ['vlan_tci=0x1005/0x1fff', 'dl_vlan=5'],
      ['vlan_tci=0x0/0x1fff', 'vlan_tci=0x0000/0x1fff'],
      ['vlan_tci=0x1000/0x1000', 'vlan_tci=0x1000/0x1000'],
      ['tun_id=100', 'tun_id=0x64'],
      ['udp,udp_src=68,udp_dst=67', 'udp,tp_dst=67,tp_src=68'],
      ['ip,nw_proto=6,nw_src=10.0.0.1/32', 'tcp,nw_src=10.0.0.1'],
      ['eth_type=0x0806,arp_spa=10.0.0.1', 'arp,arp_spa=10.0.0.1'],
      ['dl_type=0x88cc,in_port=LOCAL', 'dl_type=0x88cc,in_port=LOCAL'],
      ['tcp,ct_state=+trk+new-inv', 'tcp,ct_state=-inv+new+trk'],
      ['eth_dst=01:00:00:00:00:00/01:00:00:00:00:00', 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00'],
    ]
    for (const [written, normal] of same) {
      assert.equal(normalMatch(written), normal)
      assert.equal(normalMatch(normal), normal, 'the normal form is its own')
    }
  })

  test('actions that mean the same have one form', () => {
    const learn =
      'learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],load:0->NXM_OF_VLAN_TCI[],output:NXM_OF_IN_PORT[])'
    const same: [string, string][] = [
      ['', 'drop'],
      ['drop', 'drop'],
      ['normal', 'NORMAL'],
      ['output:1,2,in_port', 'output:1,output:2,IN_PORT'],
      ['pop_vlan,set_tunnel:100,output:3', 'strip_vlan,load:0x64->NXM_NX_TUN_ID[],output:3'],
      ['set_field:0x64->tun_id', 'load:0x64->NXM_NX_TUN_ID[]'],
      ['push_vlan:0x8100,set_field:4101->vlan_vid,resubmit(,10)', 'mod_vlan_vid:5,resubmit(,10)'],
      ['set_field:3->reg6', 'load:0x3->NXM_NX_REG6[]'],
      ['set_field:FA:16:3e:00:00:01->eth_src', 'mod_dl_src:fa:16:3e:00:00:01'],
      [learn.replace('priority=1', 'priority=1,cookie=0x0'), learn],
    ]
    for (const [written, normal] of same) {
      assert.equal(normalActions(written), normal)
      assert.equal(normalActions(normal), normal, 'the normal form is its own')
    }
  })

  test('a dump is read with cookies, and what expires is told apart', () => {
    const text = [
      'NXST_FLOW reply (xid=0x4):',
      ' cookie=0x4e55, priority=9,in_port=1,dl_vlan=5 actions=drop',
      ' cookie=0x0, duration=0.1s, table=20, n_packets=0, n_bytes=0, hard_timeout=300, idle_age=0, priority=1,dl_vlan=5 actions=output:2',
      ' cookie=0x1, table=60 actions=ct(commit,zone=NXM_NX_REG6[0..15]),NORMAL',
    ].join('\n')
    assert.deepEqual(parseDump(text), [
      {
        table: 0,
        priority: 9,
        match: 'dl_vlan=5,in_port=1',
        actions: 'drop',
        cookie: 0x4e55n,
        expires: false,
      },
      { table: 20, priority: 1, match: 'dl_vlan=5', actions: 'output:2', cookie: 0n, expires: true },
      {
        table: 60,
        priority: 32768,
        match: '',
        actions: 'ct(commit,zone=NXM_NX_REG6[0..15]),NORMAL',
        cookie: 1n,
        expires: false,
      },
    ])
  })

  test('events are read', () => {
    assert.deepEqual(parseFlowEvent(' event=ADDED table=24 cookie=0x5 arp,arp_spa=1.2.3.4 actions=NORMAL'), {
      event: 'ADDED',
      table: 24,
      cookie: 5n,
      match: 'arp,arp_spa=1.2.3.4',
      actions: 'NORMAL',
    })
    assert.deepEqual(parseFlowEvent(' event=DELETED reason=delete table=22 cookie=0x5 '), {
      event: 'DELETED',
      table: 22,
      cookie: 5n,
      match: '',
      actions: 'drop',
    })
    assert.equal(parseFlowEvent('NXST_FLOW_MONITOR reply (xid=0x0):'), undefined)
  })

  test('lines of a bundle', () => {
    const flow = { table: 2, priority: 3, match: 'in_port=1', actions: 'drop' }
    assert.equal(addLine(flow, 0x4en), 'add cookie=0x4e,table=2,priority=3,in_port=1,actions=drop')
    assert.equal(deleteLine({ ...flow, match: '' }, 0x4en), 'delete_strict cookie=0x4e/-1,table=2,priority=3')
  })

  test('commas within parentheses do not split', () => {
    assert.deepEqual(splitTop('a(b,c(d,e)),f'), ['a(b,c(d,e))', 'f'])
  })
})
