/** Options that users chose, as a real dnsmasq reads them and a real client gets them: for that client alone, literally. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { dhcpPort, entry, envelope, network, port, subnet } from '../../agents/testing/documents.ts'
import type { DhcpOption } from '../../model/documents/documents.ts'
import { type AgentPlace, createAgentPlace } from './agent.place.ts'
import { whyNoTestHosts } from './sandbox.ts'

const skip = whyNoTestHosts() ?? false

describe('options of ports', { skip }, () => {
  let place: AgentPlace

  before(async () => {
    place = await createAgentPlace('options', 'dhcp_lease_duration = 120')
    place.feed.put(envelope('network', network({ subnets: [subnet()] })), envelope('port', dhcpPort(2)))
    place.feed.put(envelope('dhcp-entry', entry(2, { device_owner: 'network:dhcp', dns_assignment: [] })))
    await place.start()
    for (const n of [5, 6]) await create(n)
  })
  after(() => place?.destroy())

  async function create(n: number) {
    const body = port(n)
    place.feed.put(envelope('port', body), envelope('dhcp-entry', entry(n)))
    await place.plug(n, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await place.told('dhcp-served', body.id)
  }

  let generation = 1

  async function give(n: number, ...options: [string, string][]) {
    generation += 1
    const extra_dhcp_opts = options.map(
      ([opt_name, opt_value]): DhcpOption => ({ opt_name, opt_value, ip_version: 4 }),
    )
    const body = entry(n, { extra_dhcp_opts, generation })
    place.feed.put(envelope('port', port(n, { generation })), envelope('dhcp-entry', body))
    await place.told('dhcp-served', body.id, (fact) => 'generation' in fact && fact.generation === generation)
    // A signal to a server that has just been started is sent when it can hear it.
    await sleep(600)
  }

  const literal = [
    'plain',
    'with a blank',
    'x #y',
    '#',
    '"',
    'say "hi"',
    '\\',
    'back\\nslash',
    "it's",
    '`id`',
    '$(id)',
    'a;b|c&d',
    'a=b',
    'é 💥',
    '--dhcp-script=/bin/sh',
    'tag:subnet,option:router',
  ]

  test('whatever the text of an option is, the client gets that text, and its neighbour nothing of it', async () => {
    for (const text of literal) {
      await give(5, ['bootfile-name', text])
      assert.equal((await place.dhcp(5))?.boot_file, text)
    }
    const neighbour = (await place.dhcp(6)) ?? {}
    assert.equal(neighbour.ip, '10.0.0.6')
    assert.equal(neighbour.boot_file, undefined)
    assert.equal(neighbour.router, '10.0.0.1')
  })

  test('hostile options that no API would let pass change nothing for anybody', async () => {
    const pid = () => place.host.run(['cat', `${place.host.dir}/state/run/dhcp/${network().id}/pid`])
    const before_ = await pid()
    const evil = `tag:subnet-${subnet().id},option:router,6.6.6.6`
    await give(
      5,
      ['bootfile-name', `x\n${evil}`],
      ['mtu', `1400\r\n${evil}`],
      [`mtu,1400\n${evil}`, '1'],
      ['no-such-option', '1'],
      ['router', '10.0.0.77'],
      ['domain-name', '",option:router,6.6.6.6'],
    )
    const own = (await place.dhcp(5)) ?? {}
    assert.deepEqual([own.ip, own.router, own.mtu], ['10.0.0.5', '10.0.0.77', '1450'])
    const neighbour = (await place.dhcp(6)) ?? {}
    assert.deepEqual([neighbour.ip, neighbour.router, neighbour.mtu], ['10.0.0.6', '10.0.0.1', '1450'])
    assert.equal(await pid(), before_, 'dnsmasq lives on')
  })

  test('an option without a value is not sent; options that go are sent no more', async () => {
    await give(5, ['router', ''], ['ntp-server', '192.0.2.7,192.0.2.8'])
    assert.equal((await place.dhcp(5))?.router, undefined)
    assert.equal((await place.dhcp(6))?.router, '10.0.0.1')
    await give(5)
    assert.equal((await place.dhcp(5))?.router, '10.0.0.1')
  })
})
