/** Namespaces, links, addresses, routes, sysctls, files, processes and leases: made, repaired, adopted, removed. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { HostObject, Process, SegmentRef } from '../../host/objects.ts'
import { objectKey } from '../../host/objects.ts'
import { type RemoteHost, startRemoteHost } from './host.remote.ts'
import { createTestHost, type TestHost, whyNoTestHosts } from './sandbox.ts'

const namespace = 'qdhcp-1'
const device = 'tap11111111-11'
const serverMac = 'fa:16:3e:00:00:02'
const clientMac = 'fa:16:3e:00:00:05'
const segment: SegmentRef = {
  networkId: 'net-1',
  networkType: 'vxlan',
  physicalNetwork: null,
  segmentationId: 7,
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8000
  while (!(await check().catch(() => false))) {
    assert.ok(Date.now() < deadline, `${what} did not come about`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

describe('the Linux side of a host', { skip: whyNoTestHosts() ?? false }, () => {
  let box: TestHost
  let host: RemoteHost
  let dir: string
  let dnsmasq: Process
  let server: HostObject[]
  const inside = (...argv: string[]): Promise<string> => box.runIn(namespace, argv)
  const bridge: HostObject = {
    kind: 'ovs-bridge',
    name: 'br-int',
    datapathType: 'netdev',
    failMode: 'secure',
  }
  const namespaceObject: HostObject = { kind: 'namespace', name: namespace }
  const link: HostObject = {
    kind: 'link',
    namespace,
    name: device,
    type: 'veth',
    peer: { namespace: null, name: device },
    mac: serverMac,
    mtu: 1450,
    up: true,
    checksumInSoftware: true,
  }
  const pidFile = (): string => join(dir, 'pid')
  const entry = (mac: string, ip: string): HostObject => ({
    kind: 'file',
    path: join(dir, 'hosts', ip),
    content: `${mac},${ip}\n`,
    mode: 0o644,
    notify: { process: 'dnsmasq-1', signal: 'SIGHUP', on: ['update', 'remove'] },
  })
  const lease = (mac: string, ip: string): HostObject => ({
    kind: 'lease',
    process: 'dnsmasq-1',
    namespace,
    link: device,
    file: join(dir, 'leases'),
    ip,
    mac,
  })

  before(async () => {
    box = await createTestHost('linux')
    dir = join(box.dir, 'run', 'dhcp-1')
    dnsmasq = {
      kind: 'process',
      id: 'dnsmasq-1',
      namespace,
      argv: [
        'dnsmasq',
        '--keep-in-foreground',
        '--no-hosts',
        '--no-resolv',
        '--conf-file=/dev/null',
        '--user=root',
        '--bind-dynamic',
        `--interface=${device}`,
        `--pid-file=${pidFile()}`,
        `--dhcp-leasefile=${join(dir, 'leases')}`,
        `--log-facility=${join(dir, 'log')}`,
        `--dhcp-hostsdir=${join(dir, 'hosts')}`,
        '--dhcp-range=set:a,10.0.0.0,static,255.255.255.0,86400s',
      ],
      needs: [objectKey(namespaceObject), objectKey(link)],
    }
    server = [
      namespaceObject,
      link,
      { kind: 'address', namespace, link: device, cidr: '10.0.0.2/24' },
      { kind: 'address', namespace, link: device, cidr: '2001:db8::2/64' },
      { kind: 'route', namespace, destination: 'default', via: '10.0.0.1', link: device },
      { kind: 'route', namespace, destination: '192.0.2.7', via: null, link: device },
      { kind: 'route', namespace, destination: 'default', via: '2001:db8::1', link: device },
      { kind: 'sysctl', namespace, key: 'net.ipv6.conf.default.accept_ra', value: '0' },
      {
        kind: 'ovs-port',
        bridge: 'br-int',
        name: device,
        type: '',
        externalIds: { 'iface-id': 'server', 'attached-mac': serverMac, 'iface-status': 'active' },
      },
      { kind: 'ovs-tag', port: device, segment },
      { kind: 'flow', bridge: 'br-int', table: 0, priority: 1, match: '', actions: 'NORMAL' },
      { kind: 'directory', path: dir, mode: 0o755 },
      { kind: 'directory', path: join(dir, 'hosts'), mode: 0o755 },
      dnsmasq,
    ]
    host = await startRemoteHost(box)
  })
  after(async () => {
    await host?.stop()
    await box?.destroy()
  })

  const pid = async (): Promise<number> => Number(await readFile(pidFile(), 'utf8'))
  const startTime = async (of: number): Promise<string | undefined> =>
    (await box.run(['cat', `/proc/${of}/stat`])).split(') ')[1]?.split(' ')[19]

  test('a DHCP server comes whole, and answers when its piece is settled', async () => {
    await host.become(['base', [bridge]], ['server', server])
    assert.match(await inside('ip', '-brief', 'address', 'show', device), /10\.0\.0\.2\/24 2001:db8::2\/64/)
    const shown = await inside('ip', '-details', 'link', 'show', device)
    assert.match(shown, new RegExp(serverMac))
    assert.match(shown, /mtu 1450/)
    assert.match(await inside('ip', 'link', 'show', 'lo'), /UP/)
    assert.match(await inside('ip', 'route'), /default via 10\.0\.0\.1 .*\n.*\n192\.0\.2\.7 dev/)
    assert.match(await inside('ip', '-6', 'route'), /default via 2001:db8::1/)
    assert.match(await inside('ethtool', '-k', device), /tx-checksumming: off/)
    assert.equal((await inside('cat', '/proc/sys/net/ipv6/conf/default/accept_ra')).trim(), '0')
    assert.match(await box.run(['ip', 'link', 'show', device]), /mtu 1450.*state UP/)
    assert.match(await inside('ss', '-lun'), /:67/)
    assert.deepEqual(
      host.logs.filter((line) => line.level !== 'info'),
      [],
    )
  })

  test('a client gets its address, and reaches the server through the switch', async () => {
    await host.become(['entry', [entry(clientMac, '10.0.0.5'), lease(clientMac, '10.0.0.5')]])
    await box.run(['ip', 'netns', 'add', 'client'])
    await box.run([
      'ip',
      'link',
      'add',
      'tapclient',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      'client',
    ])
    await box.run(['ip', '-n', 'client', 'link', 'set', 'eth0', 'address', clientMac, 'up'])
    await box.run(['ip', 'link', 'set', 'tapclient', 'up'])
    await box.run(['ovs-vsctl', 'add-port', 'br-int', 'tapclient'])
    await box.run([
      ...['ovs-vsctl', 'set', 'interface', 'tapclient', 'external_ids:iface-id=client'],
      ...['--', 'set', 'port', 'tapclient', 'tag=1'],
    ])
    const asked = ['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '5', '-T', '1', '-s', '/bin/true']
    await box.runIn('client', asked)
    await until('a lease', async () => (await readFile(join(dir, 'leases'), 'utf8')).includes(clientMac))
    await box.run(['ip', '-n', 'client', 'address', 'add', '10.0.0.5/24', 'dev', 'eth0'])
    await box.runIn('client', ['ping', '-c', '1', '-W', '2', '10.0.0.2'])
  })

  test('a lease that nobody wants is released, so that another gets the address at once', async () => {
    await host.become(['entry', []])
    await until('release', async () => !(await readFile(join(dir, 'leases'), 'utf8')).includes('10.0.0.5'))
    assert.deepEqual(await readdir(join(dir, 'hosts')), [])
  })

  test('many clients that come, change and go at once are told of by one signal each time', async () => {
    const numbers = Array.from({ length: 20 }, (_, n) => n + 20)
    const clients = (mac: (n: number) => string) =>
      numbers.map((n): [string, HostObject[]] => [`client ${n}`, [entry(mac(n), `10.0.0.${n}`)]])
    const log = () => readFile(join(dir, 'log'), 'utf8')
    // Signals that wait until the server is old enough are delivered.
    await new Promise((resolve) => setTimeout(resolve, 800))
    const before_ = (await log()).length
    const said = async (what: RegExp) => ((await log()).slice(before_).match(what) ?? []).length
    const read = /read .*hosts\/10\.0\.0\.39\n/g
    await host.become(...clients((n) => `fa:16:3e:01:00:${n}`))
    await until('a look', async () => (await said(read)) === 1)
    await host.become(...clients((n) => `fa:16:3e:02:00:${n}`))
    await until('a second look', async () => (await said(read)) === 2)
    assert.match(await readFile(join(dir, 'hosts', '10.0.0.39'), 'utf8'), /^fa:16:3e:02:00:39,/)
    await host.become(...numbers.map((n): [string, HostObject[]] => [`client ${n}`, []]))
    assert.deepEqual(await readdir(join(dir, 'hosts')), [])
    assert.equal(await said(/inotify/g), 0)
    await host.become(['one', [entry('fa:16:3e:01:00:39', '10.0.0.39')]])
    await until('a look at one', async () => (await said(/inotify/g)) === 1)
    await host.become(['one', []])
  })

  test('what others alter is put right; what is theirs stays', async () => {
    await inside('ip', 'address', 'delete', '10.0.0.2/24', 'dev', device)
    await until('address', async () => (await inside('ip', 'address')).includes('10.0.0.2/24'))
    await until('routes', async () => (await inside('ip', 'route')).includes('default via 10.0.0.1'))
    await inside('ip', 'link', 'set', device, 'down')
    await until('link', async () => /state UP/.test(await inside('ip', 'link', 'show', device)))
    await until('IPv6 address', async () => (await inside('ip', 'address')).includes('2001:db8::2/64'))
    await box.run(['ip', 'link', 'set', device, 'mtu', '1400'])
    await until('outer MTU', async () => (await box.run(['ip', 'link', 'show', device])).includes('mtu 1450'))
    await inside('sysctl', '-w', 'net.ipv6.conf.default.accept_ra=1')
    await until(
      'sysctl',
      async () => (await inside('sysctl', '-n', 'net.ipv6.conf.default.accept_ra')).trim() === '0',
    )
    await host.become(['entry', [entry(clientMac, '10.0.0.5')]])
    await writeFile(join(dir, 'hosts', '10.0.0.5'), 'nonsense')
    await writeFile(join(dir, 'hosts', '10.0.0.9'), 'nonsense')
    await until('file', async () =>
      (await readFile(join(dir, 'hosts', '10.0.0.5'), 'utf8')).startsWith(clientMac),
    )
    await until('foreign file gone', async () => (await readdir(join(dir, 'hosts'))).length === 1)
    assert.ok((await readdir(dir)).includes('leases'), 'what dnsmasq writes stays')
  })

  test('a process that ends is started again, at once the first time', async () => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const old = await pid()
    await box.run(['kill', '-9', String(old)])
    await until('restart', async () => (await pid()) !== old)
    await until('answer', async () => /:67/.test(await inside('ss', '-lun')))
  })

  test('one that somebody kills again and again is not left down for long', async () => {
    for (let kill = 0; kill < 8; kill++) {
      const old = (await readFile(pidFile(), 'utf8')).trim()
      await box.run(['kill', '-9', old])
      await until('another process', async () => (await readFile(pidFile(), 'utf8')).trim() !== old)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  })

  test('a restarted agent adopts everything and touches nothing', async () => {
    await host.idle()
    await host.settled('server')
    const before_ = [
      await pid(),
      await startTime(await pid()),
      (await stat(join(dir, 'hosts', '10.0.0.5'))).mtimeMs,
    ]
    host.process.kill('SIGKILL')
    await host.process.ended
    host = await startRemoteHost(box)
    await host.become(['base', [bridge]], ['server', server], ['entry', [entry(clientMac, '10.0.0.5')]])
    await host.idle()
    const after_ = [
      await pid(),
      await startTime(await pid()),
      (await stat(join(dir, 'hosts', '10.0.0.5'))).mtimeMs,
    ]
    assert.deepEqual(after_, before_)
    assert.deepEqual(host.logs, [])
    assert.ok((await readdir(dir)).includes('leases'))
  })

  test('a restarted agent ends what was withdrawn meanwhile, after it is allowed to', async () => {
    const extra: HostObject[] = [
      { kind: 'namespace', name: 'qdhcp-2' },
      { kind: 'directory', path: join(box.dir, 'run', 'dhcp-2'), mode: 0o755 },
      { kind: 'file', path: join(box.dir, 'run', 'dhcp-2', 'x'), content: 'x', mode: 0o600 },
      {
        kind: 'link',
        namespace: null,
        name: 'dummy-2',
        type: 'veth',
        peer: { namespace: 'qdhcp-2', name: 'inner' },
        up: true,
      },
      { kind: 'process', id: 'sleep-2', namespace: 'qdhcp-2', argv: ['sleep', '1000'] },
    ]
    await host.become(['extra', extra])
    await until('sleep runs', async () => /\d/.test(await box.run(['pgrep', '-x', 'sleep'])))
    host.process.kill('SIGKILL')
    await host.process.ended
    host = await startRemoteHost(box)
    await host.set(['base', [bridge]], ['server', server], ['entry', [entry(clientMac, '10.0.0.5')]])
    await host.settled('server')
    assert.match(await box.run(['ip', 'netns']), /qdhcp-2/)
    await host.allowRemovals()
    await until('end', async () => !/qdhcp-2/.test(await box.run(['ip', 'netns'])))
    await assert.rejects(box.run(['pgrep', '-x', 'sleep']))
    await until('link gone', async () => !/dummy-2/.test(await box.run(['ip', 'link'])))
    await assert.rejects(stat(join(box.dir, 'run', 'dhcp-2')))
    assert.match(await box.run(['ip', 'netns']), /client/)
  })

  test('changed arguments and a link made anew restart a process; a failing one says why', async () => {
    const old = await pid()
    await box.run(['ip', 'link', 'delete', device])
    await until('link', async () => /state UP/.test(await inside('ip', 'link', 'show', device)))
    await until('restart', async () => (await pid()) !== old)
    await until('all of it', async () => host.statuses.get('server')?.settled === true)
    const bad: HostObject = { kind: 'process', id: 'bad', namespace: null, argv: ['dnsmasq', '--nonesuch'] }
    await host.set(['bad', [bad]])
    await until('report', async () =>
      /bad command line options/.test(JSON.stringify(host.statuses.get('bad'))),
    )
    await host.become(['bad', []])
  })

  test('with the namespace gone, all comes back', async () => {
    const old = await pid()
    await box.run(['ip', 'netns', 'delete', namespace])
    await until('restart', async () => (await pid()) !== old && /:67/.test(await inside('ss', '-lun')))
    await until('all of it', async () => host.statuses.get('server')?.settled === true)
    await until('ping', async () => {
      await box.runIn('client', ['ping', '-c', '1', '-W', '1', '10.0.0.2'])
      return true
    })
  })

  test('with repair off, drift is told and left alone', async () => {
    await host.stop()
    host = await startRemoteHost(box, { repair: false })
    await host.become(['base', [bridge]], ['server', server])
    await inside('ip', 'address', 'delete', '10.0.0.2/24', 'dev', device)
    await host.settled('server', false)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.doesNotMatch(await inside('ip', 'address'), /10\.0\.0\.2\/24/)
    await host.stop()
    host = await startRemoteHost(box)
    await host.become(['base', [bridge]], ['server', server])
    assert.match(await inside('ip', 'address'), /10\.0\.0\.2\/24/)
  })

  test('two pieces that contradict each other: the earlier one is followed, the later one fails', async () => {
    const file = (content: string): HostObject => ({
      kind: 'file',
      path: join(dir, 'shared'),
      content,
      mode: 0o644,
    })
    await host.become(['first', [file('1')]])
    await host.set(['second', [file('2')]])
    await host.settled('second', false)
    assert.equal(await readFile(join(dir, 'shared'), 'utf8'), '1')
    await host.become(['first', []])
    await host.settled('second')
    assert.equal(await readFile(join(dir, 'shared'), 'utf8'), '2')
    await host.become(['second', []])
  })

  test('withdrawn, nothing of ours is left', async () => {
    await mkdir(join(dir, 'hosts', 'stray'))
    await host.become(['server', []], ['base', []])
    await until('end of all', async () => (await box.run(['ip', 'netns'])).trim().startsWith('client'))
    await until('link gone', async () => !(await box.run(['ip', 'link'])).includes(device))
    await assert.rejects(stat(dir))
    await assert.rejects(box.run(['pgrep', '-x', 'dnsmasq']))
    assert.match(await box.run(['ip', 'link']), /tapclient/)
    await rm(dir, { recursive: true, force: true })
  })
})
