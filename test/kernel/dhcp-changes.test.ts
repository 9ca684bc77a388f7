/** A served network that changes under its clients: subnets come and go, options and addresses change, clients stay. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dhcpPort, entry, envelope, network, port, subnet, testId } from '../../agents/testing/documents.ts'
import { type Lease, readLease } from '../../cli/instance/dhcp-client.ts'
import { repository } from '../../cli/paths.ts'
import type { PortDocument, SubnetPart } from '../../model/documents/documents.ts'
import { type AgentPlace, createAgentPlace, until } from './agent.place.ts'
import { type TestProcess, whyNoTestHosts } from './sandbox.ts'

const skip = whyNoTestHosts() ?? false
type Addresses = PortDocument['fixed_ips']
const second = testId('5b', 2)
const two = (values: Partial<SubnetPart> = {}) =>
  subnet({ id: second, cidr: '10.1.0.0/24', gateway_ip: '10.1.0.1', ...values })

/** A DHCP client that stays, as instances have it: what it was given last is in its directory. */
interface Client {
  process: TestProcess
  /** Asks its server again; answers what it has then. */
  renew(): Promise<Lease>
}

describe('a network that changes under its clients', { skip }, () => {
  let place: AgentPlace
  let five: Client
  const leases = () => readFileSync(join(place.host.dir, 'state/run/dhcp', network().id, 'leases'), 'utf8')

  before(async () => {
    place = await createAgentPlace('changes', 'dhcp_lease_duration = 600')
    serve(subnet())
    await place.start()
    await create(5)
    five = await stay(5)
  })
  after(() => place?.destroy())

  /** These subnets, with an address of the DHCP server on each that has DHCP. */
  function serve(...subnets: SubnetPart[]) {
    const fixed_ips = subnets
      .filter((each) => each.enable_dhcp)
      .map(({ id, cidr }) => ({ subnet_id: id, ip_address: cidr.replace('0/24', '2') }))
    const server = entry(2, { device_owner: 'network:dhcp', fixed_ips, dns_assignment: [] })
    place.feed.put(envelope('network', network({ subnets })), envelope('dhcp-entry', server))
    place.feed.put(envelope('port', dhcpPort(2, { fixed_ips })))
  }

  async function put(n: number, fixed_ips: Addresses = port(n).fixed_ips, generation = 1) {
    const body = port(n, { fixed_ips, generation })
    const known = entry(n, { fixed_ips, generation, dns_assignment: [] })
    place.feed.put(envelope('port', body), envelope('dhcp-entry', known))
    await place.told('dhcp-served', body.id, (fact) => 'generation' in fact && fact.generation === generation)
  }

  async function create(n: number, fixed_ips?: Addresses) {
    const { id, mac_address } = port(n)
    const made = put(n, fixed_ips)
    await place.plug(n, id, mac_address)
    await place.told('port-wired', id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await made
  }

  async function stay(n: number): Promise<Client> {
    const directory = join(place.host.dir, `vm${n}`)
    mkdirSync(directory)
    const given = async () => {
      await until(`vm${n} is given an address`, () => readLease(directory) !== undefined, 20_000)
      return readLease(directory) as Lease
    }
    const process = await place.host.spawn([
      ...['ip', 'netns', 'exec', `vm${n}`, 'env', `NUCLEON_INSTANCE_DIR=${directory}`],
      ...['udhcpc', '-f', '-i', 'eth0', '-t', '3', '-T', '1', '-A', '1', '-O', 'mtu', '-O', 'staticroutes'],
      ...['-s', `${repository}/cli/instance/udhcpc.sh`],
    ])
    await given()
    return {
      process,
      async renew() {
        rmSync(join(directory, 'lease'))
        process.kill('SIGUSR1')
        return given()
      },
    }
  }

  test('a subnet that comes is served beside the other, whose clients keep their leases', async () => {
    assert.match(leases(), / 10\.0\.0\.5 /)
    serve(subnet(), two())
    await create(6, [{ subnet_id: second, ip_address: '10.1.0.6' }])
    assert.equal((await place.dhcp(6))?.ip, '10.1.0.6')
    assert.match(leases(), / 10\.0\.0\.5 /)
    assert.match(leases(), / 10\.1\.0\.6 /)
    const renewed = await five.renew()
    assert.equal(renewed.ip, '10.0.0.5')
    assert.equal(renewed.staticroutes, '10.1.0.0/24 0.0.0.0 0.0.0.0/0 10.0.0.1')
  })

  test('DHCP switched off on a subnet: its leases are gone; those of the other are renewed', async () => {
    serve(subnet(), two({ enable_dhcp: false }))
    await until('its lease is gone', () => !leases().includes('10.1.0.6'))
    assert.equal(await place.dhcp(6), undefined)
    assert.equal((await five.renew()).ip, '10.0.0.5')
    serve(subnet(), two())
    await until('it is served again', async () => (await place.dhcp(6))?.ip === '10.1.0.6')
    assert.equal((await five.renew()).ip, '10.0.0.5')
  })

  test('a subnet that goes with its ports leaves no lease', async () => {
    assert.match(leases(), / 10\.1\.0\.6 /)
    for (const type of ['port', 'dhcp-entry'] as const) place.feed.remove({ type, id: port(6).id })
    serve(subnet())
    await until('its lease is gone', () => !leases().includes('10.1.0.6'))
    assert.equal((await five.renew()).ip, '10.0.0.5')
  })

  test('DHCP switched off and on again on the only subnet: who stayed renews', async () => {
    const namespaces = () => place.host.run(['ip', 'netns'])
    serve(subnet({ enable_dhcp: false }))
    await until('its server is gone', async () => !(await namespaces()).includes('qdhcp'))
    serve(subnet())
    await until('its server is there', async () => (await namespaces()).includes('qdhcp'))
    assert.equal((await five.renew()).ip, '10.0.0.5')
  })

  test('a client that stays learns of other options and of another address when it renews', async () => {
    serve(subnet({ dns_nameservers: ['192.0.2.53'] }))
    await until('another name server', async () => (await five.renew()).dns === '192.0.2.53')
    await put(5, [{ subnet_id: subnet().id, ip_address: '10.0.0.77' }], 2)
    assert.equal((await five.renew()).ip, '10.0.0.77')
    assert.match(await place.host.runIn('vm5', ['ip', '-4', 'address']), / 10\.0\.0\.77\/24 /)
    assert.equal(five.process.child.exitCode, null)
    assert.doesNotMatch(leases(), /10\.0\.0\.5 /)
  })
})
