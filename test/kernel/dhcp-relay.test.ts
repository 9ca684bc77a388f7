/** Names that the DHCP server relays, through gateways of both families; and what the operator's own file adds. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dhcpPort, entry, envelope, network, port, subnet, testId } from '../../agents/testing/documents.ts'
import type { DocumentBodies } from '../../model/documents/documents.ts'
import { type AgentPlace, createAgentPlace, until } from './agent.place.ts'
import { whyNoTestHosts } from './sandbox.ts'

const skip = whyNoTestHosts() ?? false
const sixth = testId('5b', 6)
/** One gateway is in its subnet, the other is not. */
const subnets = [
  subnet({ gateway_ip: '198.51.100.1' }),
  subnet({ id: sixth, ip_version: 6, cidr: '2001:db8:6::/64', gateway_ip: '2001:db8:6::1' }),
]
const fixed_ips = [...port(2).fixed_ips, { subnet_id: sixth, ip_address: '2001:db8:6::2' }]

describe('a DHCP server behind routers', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-relay-'))
  let place: AgentPlace

  before(async () => {
    const file = join(directory, 'dnsmasq.conf')
    writeFileSync(file, 'dhcp-boot=pxelinux.0\n')
    place = await createAgentPlace(
      'relay',
      `dnsmasq_dns_servers = /four.test/192.0.2.53, /six.test/2001:db8:53::53\ndnsmasq_config_file = ${file}`,
    )
    const server = entry(2, { device_owner: 'network:dhcp', fixed_ips, dns_assignment: [] })
    place.feed.put(envelope('network', network({ subnets })), envelope('port', dhcpPort(2, { fixed_ips })))
    place.feed.put(envelope('dhcp-entry', server))
    await place.start()
    await create(5)
    // The router, and behind it the name server that is relayed to.
    await create(50, { port_security_enabled: false })
    const addresses = ['198.51.100.1/32', '192.0.2.53/32', '2001:db8:6::1/64', '2001:db8:53::53/128']
    for (const address of addresses) {
      const nodad = address.includes(':') ? ['nodad'] : []
      await place.host.run(['ip', '-n', 'vm50', 'address', 'add', address, 'dev', 'eth0', ...nodad])
    }
    await place.host.run(['ip', '-n', 'vm50', 'route', 'add', '10.0.0.0/24', 'dev', 'eth0'])
    await place.host.spawn([
      ...['ip', 'netns', 'exec', 'vm50', 'dnsmasq', '--keep-in-foreground', '--user=root', '--no-hosts'],
      ...['--no-resolv', '--conf-file=/dev/null', `--pid-file=${place.host.dir}/names.pid`],
      ...['--bind-interfaces', '--listen-address=192.0.2.53,2001:db8:53::53'],
      ...['--address=/four.test/203.0.113.4', '--address=/six.test/203.0.113.6'],
    ])
  })
  after(async () => {
    await place?.destroy()
    rmSync(directory, { recursive: true, force: true })
  })

  async function create(n: number, values: Partial<DocumentBodies['port']> = {}) {
    const body = port(n, values)
    place.feed.put(envelope('port', body), envelope('dhcp-entry', entry(n)))
    await place.plug(n, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await place.told('dhcp-served', body.id)
  }

  const lookup = (name: string): Promise<string> =>
    place.host.runIn('vm5', ['busybox', 'nslookup', name, '10.0.0.2']).catch((error) => error.stdout)

  test('names of others are relayed over IPv4 and IPv6, those of the network are not', async () => {
    const given = await place.dhcp(5)
    assert.equal(given?.ip, '10.0.0.5')
    assert.equal(given?.boot_file, 'pxelinux.0', 'from the operator’s own file')
    await place.host.run(['ip', '-n', 'vm5', 'address', 'add', '10.0.0.5/24', 'dev', 'eth0'])
    await until('by IPv4', async () => /Address: 203\.0\.113\.4/.test(await lookup('four.test')))
    await until('by IPv6', async () => /Address: 203\.0\.113\.6/.test(await lookup('six.test')))
    assert.match(await lookup('vm50.example.org'), /Address: 10\.0\.0\.50/)
    assert.doesNotMatch(await lookup('nowhere.test'), /Address: (10|203)\./)
  })
})
