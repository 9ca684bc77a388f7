/**
 * An instance is plugged, addressed and unplugged on a bridge that nothing of ours runs on: the DHCP server is a
 * plain dnsmasq, so that what the client does is seen by itself.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { difference, footprint } from '../../cli/demo/footprint.ts'
import { leaseAddress } from '../../cli/instance/dhcp-client.ts'
import { createInstance } from '../../cli/instance/instance.ts'
import { insideOf, makeNamespace, plug, unplug } from '../../cli/instance/plug.ts'
import { listRecords } from '../../cli/instance/record.ts'
import { layoutOf, type Memory } from '../../cli/state/layout.ts'
import { vsctl } from '../../cli/up/bridges.ts'
import type { Client } from '../../client/http.ts'
import { startOvs } from '../../host/ovs/daemons.ts'
import { run } from '../../host/run.ts'
import { boxed } from './boxed.ts'

boxed(import.meta.filename, () => {
  test('plugged as os-vif does, addressed as DHCP says, and gone without a trace', {
    skip: !boxed,
  }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'instance-'))
    const { ovsdb, ovsRunDir } = await startOvs({ runDir: join(directory, 'ovs') })
    await vsctl(ovsdb, ['add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev'])
    await run(['ip', 'link', 'set', 'br-int', 'up'])
    await run(['ip', 'address', 'add', '10.5.0.2/24', 'dev', 'br-int'])
    const server = spawn(
      'dnsmasq',
      [
        ...[
          '--keep-in-foreground',
          '--conf-file=/dev/null',
          '--port=0',
          '--bind-dynamic',
          '--interface=br-int',
        ],
        ...['--dhcp-range=10.5.0.0,static,255.255.255.0', '--dhcp-host=02:00:00:00:00:07,10.5.0.7'],
        ...['--dhcp-option-force=option:mtu,1450', '--dhcp-option=option:dns-server,10.5.0.2'],
        ...[
          '--domain=cloud.test',
          '--dhcp-option=option:classless-static-route,10.6.0.0/16,10.5.0.9,0.0.0.0/0,10.5.0.1',
        ],
        ...[`--dhcp-leasefile=${directory}/leases`, '--user=root'],
      ],
      { stdio: 'inherit' },
    )
    t.after(async () => {
      server.kill()
      rmSync(directory, { recursive: true, force: true })
    })
    const before = await footprint({ ovsdb, ovsRunDir })
    const record = {
      name: 'seven',
      id: '11111111-2222-3333-4444-555555555555',
      portId: '0badcafe-1111-2222-3333-444444444444',
      madePort: false,
      mac: '02:00:00:00:00:07',
      mtu: 1450,
      device: 'tap0badcafe-11',
      namespace: 'inst-seven',
    }
    const own = join(directory, 'seven')
    mkdirSync(own)
    await makeNamespace(record)
    await plug(ovsdb, record)

    assert.equal((await vsctl(ovsdb, ['get', 'Port', record.device, 'tag'])).trim(), '4095')
    assert.equal(
      (await vsctl(ovsdb, ['get', 'Interface', record.device, 'external_ids'])).trim(),
      '{attached-mac="02:00:00:00:00:07", iface-id="0badcafe-1111-2222-3333-444444444444", iface-status=active, ' +
        'vm-id="11111111-2222-3333-4444-555555555555"}',
    )
    await vsctl(ovsdb, ['clear', 'Port', record.device, 'tag'])

    const lease = await leaseAddress(record.namespace, own)
    assert.deepEqual([lease.ip, lease.mask, lease.mtu, lease.dns], ['10.5.0.7', '24', '1450', '10.5.0.2'])
    const routes = await run(['ip', '-n', record.namespace, '-4', 'route'])
    assert.match(routes, /^default via 10\.5\.0\.1 dev eth0/m)
    assert.match(routes, /^10\.6\.0\.0\/16 via 10\.5\.0\.9 dev eth0/m)
    const inside = insideOf(record.namespace, join(own, 'resolv.conf'), ['cat', '/etc/resolv.conf'])
    assert.equal(await run(inside), 'search cloud.test\nnameserver 10.5.0.2\n')
    assert.notEqual(readFileSync('/etc/resolv.conf', 'utf8'), await run(inside))
    await run(['ip', 'netns', 'exec', record.namespace, 'ping', '-c', '1', '-W', '2', '10.5.0.2'])

    await unplug(ovsdb, record)
    await unplug(ovsdb, record)
    assert.deepEqual(difference(before, await footprint({ ovsdb, ovsRunDir })), [])
    assert.equal(existsSync('/run/netns/inst-seven'), false)
  })

  test('a namespace of somebody else is refused, and left as it is', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'instance-'))
    await run(['ip', 'netns', 'add', 'inst-eight'])
    const theirs = spawn('ip', ['netns', 'exec', 'inst-eight', 'sleep', '60'])
    t.after(() => {
      theirs.kill()
      rmSync(directory, { recursive: true, force: true })
    })
    const inside = async () => (await run(['ip', 'netns', 'pids', 'inst-eight'])).trim()
    while ((await inside()) === '') await sleep(10)
    const port = {
      id: '0badcafe-8888-2222-3333-444444444444',
      network_id: 'n',
      device_id: '',
      mac_address: '02:00:00:00:00:08',
      'binding:vif_type': 'ovs',
    }
    const answers = { port, network: { id: 'n', mtu: 1450 } }
    const place = {
      layout: layoutOf(join(directory, 'state')),
      memory: { host: 'h', ovs: { ovsdb: join(directory, 'none') } } as Memory,
      admin: { request: async () => answers } as unknown as Client,
    }
    await assert.rejects(
      createInstance(place, 'eight', { port: port.id }),
      /there is a network namespace inst-eight already/,
    )
    assert.equal(theirs.exitCode, null)
    assert.equal(await inside(), String(theirs.pid))
    assert.deepEqual(listRecords(place.layout), [])
  })
})
