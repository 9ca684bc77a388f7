/** Every prefix length, on both engines: what a subnet of it has by default, and which addresses ports get of it. */
import assert from 'node:assert/strict'
import { cidrOf, formatCidr, formatIp, type IpVersion, parseIp } from '../../lib/addresses.ts'
import { type Answer, type Caller, onCloud, type Shown } from '../features.testing.ts'

const bits: Record<IpVersion, number> = { 4: 32, 6: 128 }

/** What Neutron's rules make of a prefix: its host addresses, the gateway, and whether DHCP can serve it. */
function expected(version: IpVersion, length: number) {
  const ip = parseIp(version === 4 ? '172.23.170.85' : '2001:db8:5a5a:a5a5:3c3c:c3c3:6969:9696')
  assert.ok(ip)
  const cidr = cidrOf(ip, length)
  const text = (value: bigint) => formatIp(value, version)
  const narrow = bits[version] - length <= 1
  const single = cidr.first === cidr.last
  const after = cidr.last + 1n < 2n ** BigInt(bits[version]) ? cidr.last + 1n : cidr.first - 1n
  return {
    cidr: formatCidr(cidr),
    // The second address is the gateway's, so that of a pair the first is left.
    gateway: single ? null : text(cidr.first + 1n),
    lowest: narrow ? cidr.first : cidr.first + 2n,
    highest: narrow ? cidr.first : version === 6 ? cidr.last : cidr.last - 1n,
    outside: [after, ...(narrow ? [] : version === 4 ? [cidr.first, cidr.last] : [cidr.first])].map(text),
    dhcp: bits[version] - length >= 2,
    text,
  }
}

async function walk(blue: Caller, version: IpVersion, length: number): Promise<void> {
  const { cidr, gateway, lowest, highest, outside, dhcp, text } = expected(version, length)
  const network = await blue.create('network', {})
  const post = (enable_dhcp: boolean) =>
    blue.call('POST', 'subnets', {
      subnet: { network_id: network.id, ip_version: version, cidr, enable_dhcp },
    })
  if (!dhcp) assert.equal((await post(true)).fault, 'InvalidInput', `${cidr} with DHCP`)
  const made: Answer = await post(dhcp)
  assert.equal(made.status, 201, `${cidr}: ${JSON.stringify(made.body)}`)
  const { subnet } = made.body as { subnet: Shown }
  assert.deepEqual(
    [subnet.cidr, subnet.gateway_ip, subnet.allocation_pools],
    [cidr, gateway, [{ start: text(lowest), end: text(highest) }]],
  )

  const port = async (ip_address?: string) => {
    const fixed_ips = ip_address === undefined ? undefined : [{ ip_address }]
    const answer = await blue.call('POST', 'ports', { port: { network_id: network.id, fixed_ips } })
    return answer.fault ?? answer.body.port.fixed_ips[0].ip_address
  }
  assert.equal(await port(), text(lowest), cidr)
  // In the midst of IPv6 nothing is at an edge.
  if (version === 6 && length < 120 && length % 16 > 1) return
  for (const address of outside)
    assert.equal(await port(address), 'InvalidIpForNetwork', `${address}, ${cidr}`)
  if (highest > lowest) assert.equal(await port(text(highest)), text(highest))
  assert.equal(await port(text(highest)), 'IpAddressAlreadyAllocated')
  // What is left is given in order, and then nothing.
  if (highest - lowest > 8n) return
  for (let next = lowest + 1n; next < highest; next++) assert.equal(await port(), text(next))
  assert.equal(await port(), 'IpAddressGenerationFailure')
  if (gateway !== null) assert.equal(await port(gateway), gateway, 'for who names it')
}

onCloud('IPv4, /1 to /32', async ({ as }) => {
  for (let length = 1; length <= 32; length++) await walk(as('blue'), 4, length)
})

onCloud('IPv6, /1 to /128', async ({ as }) => {
  for (let length = 1; length <= 128; length++) await walk(as('blue'), 6, length)
})

onCloud('a prefix of length 0 is refused', async ({ as }) => {
  const network = await as('blue').create('network', {})
  for (const [ip_version, cidr] of [
    [4, '0.0.0.0/0'],
    [6, '::/0'],
  ] as const) {
    const subnet = { network_id: network.id, ip_version, cidr, enable_dhcp: false }
    assert.equal((await as('blue').call('POST', 'subnets', { subnet })).fault, 'InvalidInput', cidr)
  }
})
