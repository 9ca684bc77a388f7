/**
 * Compares a host with what the API says, by the answers of ovs-vsctl, ovs-ofctl, ip, pgrep and the files that
 * dnsmasq reads: nothing of our own observer is used.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../../client/http.ts'
import { list, type Network, type Port, type Subnet } from '../../../client/networking.ts'
import type { CloudHost } from '../cloud.ts'

/** What the API says of everything. */
export interface Wanted {
  networks: Network[]
  subnets: Subnet[]
  ports: Port[]
}

export async function wantedBy(admin: Client): Promise<Wanted> {
  const [networks, subnets, ports] = await Promise.all([
    list(admin, 'network'),
    list(admin, 'subnet'),
    list(admin, 'port'),
  ])
  return { networks, subnets, ports }
}

type Row = Record<string, unknown>

const cookie = 'cookie=0x6e75636c656f6e00/-1'
const deadVlan = 4095

async function rows(host: CloudHost, table: string, columns: string): Promise<Row[]> {
  const text = await host.run(['ovs-vsctl', '--format=json', `--columns=${columns}`, 'list', table])
  const { headings, data } = JSON.parse(text) as { headings: string[]; data: unknown[][] }
  return data.map((values) => Object.fromEntries(headings.map((name, i) => [name, values[i]])))
}

function mapOf(value: unknown): Record<string, string> {
  return Object.fromEntries((value as [string, [string, string][]])[1])
}

async function flows(host: CloudHost, bridge: string): Promise<string[]> {
  const text = await host.run(['ovs-ofctl', 'dump-flows', '--no-names', '--no-stats', bridge, cookie])
  return text
    .split('\n')
    .filter((line) => line.includes('actions='))
    .map((line) => line.trim())
}

/** Answers what is not as the API says, each as a sentence. `statuses` false: the API's own statuses aside. */
export async function differences(host: CloudHost, wanted: Wanted, statuses = true): Promise<string[]> {
  const wrong: string[] = []
  const say = (text: string): void => void wrong.push(text)
  const portOf = new Map(wanted.ports.map((port) => [port.id, port]))
  const [interfaces, records, onBridge, intFlows, tunFlows, namespaces, processes] = await Promise.all([
    rows(host, 'Interface', 'name,ofport,external_ids'),
    rows(host, 'Port', 'name,tag,other_config'),
    host.run(['ovs-vsctl', 'list-ports', 'br-int']).then((text) => new Set(text.trim().split('\n'))),
    flows(host, 'br-int'),
    flows(host, 'br-tun'),
    host.run(['ip', 'netns']).then((text) => [...text.matchAll(/^qdhcp-(\S+)/gm)].map(([, id]) => id ?? '')),
    host.run(['pgrep', '-a', '-x', 'dnsmasq']).catch(() => ''),
  ])
  const recordOf = new Map(records.map((row) => [String(row.name), row]))

  // Ports that are plugged.
  const tagOf = new Map<string, number>()
  const plugged = new Set<string>()
  const numbers = new Set<string>()
  for (const row of interfaces) {
    const name = String(row.name)
    if (!onBridge.has(name)) continue
    numbers.add(String(row.ofport))
    const id = mapOf(row.external_ids)['iface-id']
    if (id === undefined) continue
    const record = recordOf.get(name)
    const port = portOf.get(id)
    if (!port || port['binding:host_id'] !== host.name) {
      if (record?.tag !== deadVlan) say(`${name} is of no port here and has the tag ${record?.tag}`)
      continue
    }
    plugged.add(id)
    const tag = Number(record?.tag)
    if (!(tag >= 1 && tag < deadVlan)) say(`${name} has the tag ${record?.tag}`)
    if (mapOf(record?.other_config).net_uuid !== port.network_id) say(`${name} is marked for another network`)
    if ((tagOf.get(port.network_id) ?? tag) !== tag) say(`${name} has not the tag of its network`)
    tagOf.set(port.network_id, tag)
    if (!(Number(row.ofport) > 0)) say(`${name} has the number ${row.ofport}`)
    const from = `in_port=${row.ofport}`
    const has = (pattern: RegExp): boolean => intFlows.some((line) => pattern.test(line))
    if (!has(new RegExp(`priority=9,.*${from},`))) say(`${name} has no way in`)
    if (port.device_owner.startsWith('network:')) continue
    if (!has(new RegExp(`table=25, .*${from},dl_src=${port.mac_address} `)))
      say(`${name} may not use its MAC`)
    for (const { ip_address: ip } of port.fixed_ips) {
      if (!has(new RegExp(`table=24, .*${from},arp_spa=${ip.replaceAll('.', '\\.')} `)))
        say(`${name} may not speak for ${ip}`)
    }
    if (statuses && port.status !== 'ACTIVE') say(`port ${id} is plugged and ${port.status}`)
  }
  const tags = [...tagOf.values()]
  if (new Set(tags).size !== tags.length) say('two networks share a local VLAN')
  if (statuses) {
    for (const port of wanted.ports) {
      const isHere = port['binding:host_id'] === host.name
      if (isHere && !plugged.has(port.id) && port.status === 'ACTIVE')
        say(`port ${port.id} is not plugged and ACTIVE`)
    }
  }

  // Flows of what is not there.
  for (const line of intFlows) {
    const [, number] = /in_port=(\d+)/.exec(line) ?? []
    if (number !== undefined && !numbers.has(number)) say(`a flow is of no port: ${line}`)
    const [, mac] = /dl_src=(\S+) /.exec(line) ?? []
    const owner = wanted.ports.some((port) => port.mac_address === mac && plugged.has(port.id))
    if (mac !== undefined && line.includes('table=25') && !owner) say(`a flow is of nobody's MAC: ${line}`)
  }
  const keys = new Map<string, string>()
  for (const line of tunFlows) {
    const [, key, tag] = /tun_id=(0x[0-9a-f]+) actions=mod_vlan_vid:(\d+)/.exec(line) ?? []
    if (key !== undefined && tag !== undefined) keys.set(key, tag)
  }
  for (const network of wanted.networks) {
    if (network['provider:network_type'] !== 'vxlan') continue
    const key = `0x${Number(network['provider:segmentation_id']).toString(16)}`
    const [has, needs] = [keys.get(key), tagOf.get(network.id)]
    if (has !== (needs === undefined ? undefined : String(needs)))
      say(`network ${network.id} (${key}) has the local VLAN ${has} in br-tun, and ${needs} on its ports`)
    keys.delete(key)
  }
  for (const key of keys.keys()) say(`br-tun has flows of the key ${key}, which no network has`)

  // DHCP.
  const served = wanted.ports.filter(
    (port) =>
      port.device_owner === 'network:dhcp' &&
      port['binding:host_id'] === host.name &&
      port.device_id !== 'reserved_dhcp_port' &&
      wanted.subnets.some((subnet) => subnet.network_id === port.network_id && subnet.enable_dhcp),
  )
  for (const id of namespaces) {
    if (!served.some((port) => port.network_id === id)) say(`namespace qdhcp-${id} serves no network`)
  }
  for (const port of served) {
    const id = port.network_id
    if (!plugged.has(port.id)) say(`the DHCP port of ${id} is not plugged`)
    if (!namespaces.includes(id)) {
      say(`namespace qdhcp-${id} is missing`)
      continue
    }
    const device = `tap${port.id.slice(0, 11)}`
    const shown = await host.runIn(`qdhcp-${id}`, ['ip', 'address', 'show', device]).catch(() => '')
    if (!/state UP/.test(shown) || !shown.includes(port.mac_address)) say(`${device} is not up with its MAC`)
    const has = [...shown.matchAll(/inet (\S+)\/\d+ .*global/g)].map(([, ip]) => ip).sort()
    const needs = port.fixed_ips.map((fixed) => fixed.ip_address).sort()
    if (has.join() !== needs.join()) say(`${device} has ${has}, not ${needs}`)
    const servers = processes.split('\n').filter((line) => line.includes(`/${id}/`))
    if (servers.length !== 1) say(`${servers.length} dnsmasq run for ${id}`)
    const inside = (await host.run(['ip', 'netns', 'pids', `qdhcp-${id}`]).catch(() => '')).split('\n')
    if (!inside.includes(servers[0]?.split(' ')[0] ?? '')) say(`dnsmasq of ${id} is not in its namespace`)
    const entries = await hostsOf(join(host.state, 'run/dhcp', id, 'hosts'))
    const clients = wanted.ports
      .filter((each) => each.network_id === id && !each.device_owner.startsWith('network:'))
      .flatMap((each) => each.fixed_ips.map((fixed) => `${each.mac_address} ${fixed.ip_address}`))
      .sort()
    for (const line of clients) if (!entries.includes(line)) say(`dnsmasq of ${id} does not know ${line}`)
    for (const line of entries)
      if (!clients.includes(line)) say(`dnsmasq of ${id} knows ${line}, a port of nobody`)
  }
  for (const line of processes.split('\n').filter(Boolean)) {
    if (!served.some((port) => line.includes(`/${port.network_id}/`)))
      say(`a dnsmasq serves nobody: ${line.slice(0, 60)}`)
  }
  return wrong
}

/** `MAC IP` of each line in the files of a directory, sorted. */
async function hostsOf(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(directory).catch(() => [] as string[])) {
    for (const line of (await readFile(join(directory, name), 'utf8').catch(() => '')).split('\n')) {
      const [mac] = line.split(',')
      const ip = /,(\d+\.\d+\.\d+\.\d+)$/.exec(line)?.[1]
      if (mac && ip) found.push(`${mac} ${ip}`)
    }
  }
  return found.sort()
}

/** Waits until host and API agree; throws with what differs after `seconds`. Answers the milliseconds it took. */
export async function untilEqual(
  host: CloudHost,
  what: () => Promise<Wanted>,
  { statuses = true, seconds = 20 } = {},
): Promise<number> {
  const began = performance.now()
  for (;;) {
    const wrong = await what()
      .then((wanted) => differences(host, wanted, statuses))
      .catch((error: Error) => [`cannot be read: ${error.message}`])
    const took = performance.now() - began
    if (wrong.length === 0) return took
    if (took > seconds * 1000)
      throw new Error(`${host.name} after ${seconds} s:\n${wrong.slice(0, 12).join('\n')}`)
    await sleep(100)
  }
}
