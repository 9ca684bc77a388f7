/** From documents to packets on one host: DHCP, DNS, ping, isolation; and an agent that is killed under traffic. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  dhcpPort,
  entry,
  envelope,
  network,
  port,
  segment,
  subnet,
  testId,
} from '../../agents/testing/documents.ts'
import type { DocumentBodies } from '../../model/documents/documents.ts'
import { type AgentPlace, createAgentPlace, until } from './agent.place.ts'
import { type TestProcess, whyNoTestHosts } from './sandbox.ts'

const skip = whyNoTestHosts() ?? false
const net = network({
  subnets: [subnet({ host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.9' }] })],
})

describe('an agent on one host', { skip }, () => {
  let place: AgentPlace
  let agent: TestProcess

  before(async () => {
    place = await createAgentPlace('agent')
    place.feed.put(envelope('network', net), envelope('port', dhcpPort(2)))
    place.feed.put(envelope('dhcp-entry', entry(2, { device_owner: 'network:dhcp', dns_assignment: [] })))
    agent = await place.start()
  })
  after(() => place?.destroy())

  /** Puts port number n into the feed, with its DHCP entry. */
  function create(n: number, values: Partial<DocumentBodies['port']> = {}) {
    const body = port(n, values)
    const { id, network_id, mac_address, fixed_ips } = body
    const dns_assignment = fixed_ips.map(({ ip_address }) => {
      return { ip_address, hostname: `vm${n}`, fqdn: `vm${n}.example.org.` }
    })
    const known = { id, network_id, mac_address, fixed_ips, dns_assignment }
    place.feed.put(envelope('port', body), envelope('dhcp-entry', entry(n, known)))
    return body
  }

  async function createAndPlug(n: number, values: Partial<DocumentBodies['port']> = {}) {
    const body = create(n, values)
    await place.plug(n, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await place.told('dhcp-served', body.id)
    return body
  }

  const ping = (n: number, address: string, ...options: string[]) =>
    place.host.runIn(`vm${n}`, ['ping', '-c', '1', '-W', '1', ...options, address]).then(
      () => true,
      () => false,
    )

  const setAddress = async (n: number, address = `10.0.0.${n}/24`) => {
    await place.host.run(['ip', '-n', `vm${n}`, 'address', 'replace', address, 'dev', 'eth0'])
  }

  test('the DHCP port itself is wired', async () => {
    await place.told('port-wired', dhcpPort(2).id, (fact) => fact.kind === 'port-wired' && fact.wired)
  })

  test('when it is told that all is ready, DHCP gives what Neutron’s rules say', async () => {
    await createAndPlug(5)
    const given = (await place.dhcp(5)) ?? {}
    assert.equal(given.ip, '10.0.0.5')
    assert.equal(given.subnet, '255.255.255.0')
    assert.equal(given.router, '10.0.0.1')
    assert.equal(given.dns, '10.0.0.2')
    assert.equal(given.domain, 'example.org')
    assert.equal(given.hostname, 'vm5')
    assert.equal(given.mtu, '1450')
    assert.equal(given.lease, '86400')
    assert.equal(given.staticroutes, '10.9.0.0/16 10.0.0.9 0.0.0.0/0 10.0.0.1')
    assert.equal(given.msstaticroutes, given.staticroutes)
    await setAddress(5)
  })

  test('two instances reach each other and the name server', async () => {
    await createAndPlug(6)
    assert.equal((await place.dhcp(6))?.ip, '10.0.0.6')
    await setAddress(6)
    assert.ok(await ping(5, '10.0.0.6'))
    const lookup = (name: string) =>
      place.host.runIn('vm5', ['busybox', 'nslookup', name, '10.0.0.2']).catch((e) => e.stdout)
    assert.match(await lookup('vm6.example.org'), /Address: 10\.0\.0\.6/)
    assert.match(await lookup('10.0.0.6'), /name = vm6\.example\.org/)
    assert.doesNotMatch(await lookup('vm7.example.org'), /Address: 10\./)
  })

  test('an instance that the server does not know gets nothing and reaches nobody', async () => {
    await place.plug(99, testId('99', 99), 'fa:16:3e:00:00:63')
    await sleep(100)
    assert.equal(await place.dhcp(99), undefined)
    await setAddress(99)
    assert.equal(await ping(99, '10.0.0.5'), false)
    assert.ok(await ping(6, '10.0.0.5'), 'others do at the same moment')
    await place.unplug(99)
  })

  test('a port speaks for its own addresses only', async () => {
    await place.host.run(['ip', '-n', 'vm5', 'address', 'add', '10.0.0.66/24', 'dev', 'eth0'])
    assert.equal(await ping(5, '10.0.0.6', '-I', '10.0.0.66'), false)
    assert.ok(await ping(5, '10.0.0.6', '-I', '10.0.0.5'))
    await place.host.run(['ip', '-n', 'vm5', 'address', 'del', '10.0.0.66/24', 'dev', 'eth0'])
    await place.host.run(['ip', '-n', 'vm5', 'link', 'set', 'eth0', 'address', 'fa:16:3e:66:66:66'])
    assert.equal(await ping(5, '10.0.0.6'), false)
    await place.host.run(['ip', '-n', 'vm5', 'link', 'set', 'eth0', 'address', port(5).mac_address])
    await until('its own MAC address passes', () => ping(5, '10.0.0.6'))
  })

  test('another network with the same addresses is another world', async () => {
    const other = network({
      id: testId('e7', 2),
      segments: [segment({ id: testId('5e', 2), segmentation_id: 44 })],
    })
    place.feed.put(envelope('network', other))
    const bindings = port(7).bindings.map((each) => ({ ...each, segment_id: testId('5e', 2) }))
    const stranger = {
      network_id: other.id,
      bindings,
      fixed_ips: port(6).fixed_ips,
      mac_address: port(6).mac_address,
    }
    const body = port(7, stranger)
    place.feed.put(envelope('port', body))
    await place.plug(7, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await setAddress(7, '10.0.0.6/24')
    assert.equal(await ping(7, '10.0.0.5'), false)
    assert.ok(await ping(6, '10.0.0.5'))
    place.feed.remove({ type: 'port', id: body.id })
    await place.unplug(7)
  })

  test('a client more costs dnsmasq neither a restart nor a signal', async () => {
    const before = await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`])
    const started = await startTime(before.trim())
    await createAndPlug(8)
    assert.equal((await place.dhcp(8))?.ip, '10.0.0.8')
    const after_ = await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`])
    assert.equal(after_, before)
    assert.equal(await startTime(after_.trim()), started)
  })

  test('of many clients that come at once each is served when that is told', async () => {
    const before = await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`])
    for (let n = 20; n < 39; n++) create(n)
    await createAndPlug(39)
    assert.equal((await place.dhcp(39))?.ip, '10.0.0.39')
    for (let n = 20; n < 40; n++) {
      place.feed.remove({ type: 'port', id: port(n).id })
      place.feed.remove({ type: 'dhcp-entry', id: port(n).id })
    }
    await until('it is forgotten', async () => (await place.dhcp(39)) === undefined)
    assert.equal((await place.dhcp(5))?.ip, '10.0.0.5')
    await place.unplug(39)
    const after_ = await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`])
    assert.equal(after_, before)
  })

  test('the address of a deleted port serves another at once', async () => {
    assert.equal((await place.dhcp(8))?.ip, '10.0.0.8')
    place.feed.remove({ type: 'port', id: port(8).id })
    place.feed.remove({ type: 'dhcp-entry', id: port(8).id })
    await createAndPlug(9, { fixed_ips: port(8).fixed_ips })
    assert.equal((await place.dhcp(9))?.ip, '10.0.0.8')
    assert.equal(await place.dhcp(8), undefined, 'who was deleted gets nothing')
    await place.unplug(8)
    await place.unplug(9)
  })

  test('a changed address and options of a port are served; dnsmasq lives through the signals', async () => {
    const moved = [{ subnet_id: subnet().id, ip_address: '10.0.0.77' }]
    const extra_dhcp_opts = [{ opt_name: 'mtu', opt_value: '1300', ip_version: 4 as const }]
    const body = await createAndPlug(10)
    assert.equal((await place.dhcp(10))?.ip, '10.0.0.10')
    place.feed.put(envelope('port', port(10, { fixed_ips: moved, generation: 2 })))
    const changed = entry(10, {
      id: body.id,
      fixed_ips: moved,
      dns_assignment: [],
      extra_dhcp_opts,
      generation: 2,
    })
    place.feed.put(envelope('dhcp-entry', changed))
    await place.told('dhcp-served', body.id, (fact) => 'generation' in fact && fact.generation === 2)
    let given = await place.dhcp(10)
    assert.equal(given?.ip, '10.0.0.77')
    const pid = await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`])
    for (const generation of [3, 4]) {
      const opt_value = String(1200 + generation)
      place.feed.put(
        envelope('dhcp-entry', {
          ...changed,
          generation,
          extra_dhcp_opts: [{ opt_name: 'tftp-server', opt_value, ip_version: 4 }],
        }),
      )
      await place.told(
        'dhcp-served',
        body.id,
        (fact) => 'generation' in fact && fact.generation === generation,
      )
      await sleep(500)
      given = await place.dhcp(10)
      assert.equal(given?.ip, '10.0.0.77')
      assert.equal(given?.sname ?? given?.tftp, opt_value)
    }
    assert.equal(await place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${net.id}/pid`]), pid)
    await place.unplug(10)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && !fact.wired)
  })

  async function startTime(pid: string): Promise<string> {
    return (await place.host.run(['cat', `/proc/${pid}/stat`])).split(' ')[21] ?? ''
  }

  test('killed with -9 and started again under traffic: no packet is lost, nothing that was right is touched', async () => {
    const flows = async () => {
      const dump = await Promise.all(
        ['br-int', 'br-tun'].map((bridge) =>
          place.host.run(['ovs-ofctl', 'dump-flows', '--no-names', bridge]),
        ),
      )
      return dump
        .join('')
        .split('\n')
        .filter((line) => line.includes('cookie=0x6e75636c656f6e00'))
        .map((line) => ({
          age: Number(/duration=([\d.]+)s/.exec(line)?.[1]),
          text: line.replace(/(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, /g, ''),
        }))
    }
    const ports = () =>
      place.host.run(['ovs-vsctl', '--format=csv', '--columns=name,ofport', 'list', 'Interface'])
    const pidFile = `${place.host.dir}/state/run/dhcp/${net.id}/pid`
    const left = async () => (await flows()).some(({ text }) => text.includes('10.0.0.77'))
    await until('what was unplugged before is gone', async () => !(await left()))
    const before_ = {
      flows: await flows(),
      ports: await ports(),
      pid: await place.host.run(['cat', pidFile]),
    }
    const [from, count] = [performance.now(), 60]
    const pinging = place.host.runIn('vm5', [
      'ping',
      '-i',
      '0.05',
      '-c',
      String(count),
      '-W',
      '1',
      '10.0.0.6',
    ])
    await sleep(300)
    agent.kill('SIGKILL')
    await agent.ended
    await sleep(300)
    agent = await place.start()
    const passed = (performance.now() - from) / 1000
    assert.match(await pinging, new RegExp(`${count} received, 0% packet loss`))
    const after_ = { flows: await flows(), ports: await ports(), pid: await place.host.run(['cat', pidFile]) }
    assert.deepEqual(
      after_.flows.map(({ text }) => text).sort(),
      before_.flows.map(({ text }) => text).sort(),
    )
    const ages = new Map(after_.flows.map(({ text, age }) => [text, age]))
    for (const { text, age } of before_.flows) {
      assert.ok(
        (ages.get(text) ?? 0) >= age + passed - 1,
        `${text} was ${age} s old and is now ${ages.get(text)}`,
      )
    }
    assert.equal(after_.ports, before_.ports)
    assert.equal(after_.pid, before_.pid)
  })

  test('a port that is unplugged is told of, and a network that goes leaves nothing', async () => {
    await place.unplug(6)
    await place.told('port-wired', port(6).id, (fact) => fact.kind === 'port-wired' && !fact.wired)
    for (const { type, id } of place.feed.held()) place.feed.remove({ type, id })
    await until(
      'the namespace is gone',
      async () => !(await place.host.run(['ip', 'netns'])).includes('qdhcp'),
    )
    await until('dnsmasq is gone', async () => !(await place.host.run(['ps', '-e'])).includes('dnsmasq'))
    await until(
      'its files are gone',
      async () => !(await place.host.run(['ls', `${place.host.dir}/state/run/dhcp`])).includes(net.id),
    )
    const links = await place.host.run(['ip', '-brief', 'link'])
    assert.doesNotMatch(links, /tap000000d0/)
  })
})
