/**
 * The text of flows: what `ovs-ofctl dump-flows --no-names --no-stats` and `ovs-ofctl monitor` print, and one normal
 * form for what is wanted and what is there, so that both can be compared as strings. The normal form is what
 * dump-flows prints in its default version, with the fields of the match sorted.
 */

export interface FlowText {
  table: number
  priority: number
  match: string
  actions: string
}

/** A flow of a dump, with what the comparison needs to tell ours from others. */
export interface DumpedFlow extends FlowText {
  cookie: bigint
  /** True for flows that end by themselves (learned ones). */
  expires: boolean
}

export interface FlowEvent {
  event: 'ADDED' | 'MODIFIED' | 'DELETED'
  table: number
  cookie: bigint
  match: string
  actions: string
}

const defaultPriority = 32768
const statistics = /^(duration|n_packets|n_bytes|idle_age|hard_age|importance|reason|event)=/
const flags = new Set([
  'send_flow_rem',
  'check_overlap',
  'reset_counts',
  'no_packet_counts',
  'no_byte_counts',
])

/** Reads a dump. Lines that are not flows (headers) are skipped. */
export function parseDump(text: string): DumpedFlow[] {
  const flows: DumpedFlow[] = []
  for (const line of text.split('\n')) {
    const at = line.indexOf('actions=')
    if (at < 0 || !line.includes('cookie=')) continue
    const head = parseHead(line.slice(0, at))
    const actions = normalActions(line.slice(at + 'actions='.length).trim())
    flows.push({
      table: head.table,
      priority: head.priority,
      match: head.match,
      actions,
      cookie: head.cookie,
      expires: head.expires,
    })
  }
  return flows
}

/** Reads one line of `ovs-ofctl monitor`; undefined when it is not an event. Events do not tell the priority. */
export function parseFlowEvent(line: string): FlowEvent | undefined {
  const found = /^\s*event=(ADDED|MODIFIED|DELETED)\s(.*)$/.exec(line)
  if (!found) return undefined
  const rest = found[2] ?? ''
  const at = rest.indexOf('actions=')
  const head = parseHead((at < 0 ? rest : rest.slice(0, at)).replaceAll(' ', ','))
  const actions = at < 0 ? 'drop' : normalActions(rest.slice(at + 'actions='.length).trim())
  const event = found[1] as FlowEvent['event']
  return { event, table: head.table, cookie: head.cookie, match: head.match, actions }
}

interface Head {
  table: number
  priority: number
  cookie: bigint
  match: string
  expires: boolean
}

function parseHead(text: string): Head {
  const head: Head = { table: 0, priority: defaultPriority, cookie: 0n, match: '', expires: false }
  const match: string[] = []
  for (const raw of splitTop(text)) {
    const field = raw.trim()
    if (field === '' || statistics.test(field) || flags.has(field)) continue
    if (field.startsWith('cookie=')) head.cookie = BigInt(field.slice(7))
    else if (field.startsWith('table=')) head.table = Number(field.slice(6))
    else if (field.startsWith('priority=')) head.priority = Number(field.slice(9))
    else if (/^(idle|hard)_timeout=/.test(field)) head.expires = true
    else match.push(field)
  }
  head.match = normalMatch(match.join(','))
  return head
}

const fieldNames: Record<string, string> = {
  icmpv6_type: 'icmp_type',
  icmpv6_code: 'icmp_code',
  icmpv4_type: 'icmp_type',
  icmpv4_code: 'icmp_code',
  eth_src: 'dl_src',
  eth_dst: 'dl_dst',
  ipv4_src: 'nw_src',
  ipv4_dst: 'nw_dst',
  nw_src_ipv6: 'ipv6_src',
  udp_src: 'tp_src',
  udp_dst: 'tp_dst',
  tcp_src: 'tp_src',
  tcp_dst: 'tp_dst',
  tunnel_id: 'tun_id',
}

const protocols: Record<string, string> = {
  'dl_type=0x800': 'ip',
  'dl_type=0x806': 'arp',
  'dl_type=0x86dd': 'ipv6',
}

/** The normal form of a match: names and numbers as dump-flows prints them, protocols first, then sorted. */
export function normalMatch(text: string): string {
  const fields = new Set<string>()
  for (const field of splitTop(text)) {
    const at = field.indexOf('=')
    if (field.trim() === '') continue
    if (at < 0) {
      fields.add(field.trim())
      continue
    }
    const written = field.slice(0, at).trim()
    fields.add(
      normalField(
        fieldNames[written] ?? written,
        field
          .slice(at + 1)
          .trim()
          .toLowerCase(),
      ),
    )
  }
  // ip with nw_proto is what dump-flows calls by the protocol's name.
  for (const [base, number, name] of transports) {
    if (fields.has(base) && fields.delete(`nw_proto=${number}`)) {
      fields.delete(base)
      fields.add(name)
    }
  }
  // Protocols come first: the fields that follow depend on them.
  const isProtocol = (field: string): boolean => !field.includes('=') || field.startsWith('dl_type=')
  return [...fields]
    .sort((a, b) => Number(isProtocol(b)) - Number(isProtocol(a)) || (a < b ? -1 : 1))
    .join(',')
}

const transports: readonly (readonly [string, number, string])[] = [
  ['ip', 1, 'icmp'],
  ['ip', 6, 'tcp'],
  ['ip', 17, 'udp'],
  ['ipv6', 6, 'tcp6'],
  ['ipv6', 17, 'udp6'],
  ['ipv6', 58, 'icmp6'],
]

function normalField(name: string, value: string): string {
  if (name === 'eth_type' || name === 'dl_type') {
    const field = `dl_type=0x${Number(value).toString(16)}`
    return protocols[field] ?? field
  }
  if (name === 'vlan_tci') return normalTci(value)
  if (name === 'dl_vlan') return `dl_vlan=${Number(value)}`
  if (name === 'tun_id' || name === 'metadata' || /^reg\d+$/.test(name)) {
    return `${name}=${value.split('/').map(hexadecimal).join('/')}`
  }
  if (name === 'ct_state') return `ct_state=${(value.match(/[+-][a-z]+/g) ?? [value]).sort(byName).join('')}`
  if (name === 'in_port') return `in_port=${normalPort(value)}`
  if (/^(nw_src|nw_dst|arp_spa|arp_tpa)$/.test(name)) return `${name}=${value.replace(/\/32$/, '')}`
  if (/^(ipv6_src|ipv6_dst|nd_target)$/.test(name)) return `${name}=${value.replace(/\/128$/, '')}`
  return `${name}=${value}`
}

const byName = (a: string, b: string): number => (a.slice(1) < b.slice(1) ? -1 : 1)

function normalTci(value: string): string {
  const [tci = 0, mask = 0xffff] = value.split('/').map(Number)
  const present = (tci & 0x1000) !== 0
  if (mask === 0x1fff && present) return `dl_vlan=${tci & 0xfff}`
  const hex = (n: number): string => `0x${n.toString(16).padStart(4, '0')}`
  return mask === 0xffff ? `vlan_tci=${hex(tci)}` : `vlan_tci=${hex(tci)}/${hex(mask)}`
}

function normalPort(value: string): string {
  return value === '65534' || value === 'local' ? 'LOCAL' : value
}

function hexadecimal(value: string): string {
  return /^(0x[0-9a-f]+|\d+)$/i.test(value) ? `0x${BigInt(value).toString(16)}` : value
}

/** The normal form of actions, as dump-flows prints them. */
export function normalActions(text: string): string {
  const actions = splitTop(text)
    .map((action) => action.trim())
    .filter((action) => action !== '')
    .map(normalAction)
  // Pushing a tag and setting its VLAN is printed as one action.
  const folded: string[] = []
  for (const action of actions) {
    if (action.startsWith('mod_vlan_vid:') && folded.at(-1) === 'push_vlan:0x8100') folded.pop()
    folded.push(action)
  }
  return folded.length === 0 ? 'drop' : folded.join(',')
}

const bareActions = new Map(
  ['NORMAL', 'FLOOD', 'ALL', 'LOCAL', 'IN_PORT'].map((action) => [action.toLowerCase(), action]),
)

function normalAction(action: string): string {
  const bare = bareActions.get(action.toLowerCase())
  if (bare) return bare
  if (/^\d+$/.test(action)) return `output:${action}`
  if (action === 'pop_vlan') return 'strip_vlan'
  if (/^output:/i.test(action)) {
    const port = action.slice(7)
    return bareActions.get(port.toLowerCase()) ?? (port === '65534' ? 'LOCAL' : `output:${port}`)
  }
  const at = action.indexOf(':')
  const name = at < 0 ? action : action.slice(0, at)
  const value = at < 0 ? '' : action.slice(at + 1)
  if (name === 'set_tunnel') return `load:${hexadecimal(value)}->NXM_NX_TUN_ID[]`
  if (name === 'mod_vlan_vid') return `mod_vlan_vid:${Number(value)}`
  if (name === 'load')
    return action.replace(/^load:([^-]+)->/, (_, number) => `load:${hexadecimal(number)}->`)
  if (name === 'set_field') return normalSetField(value)
  if (action.startsWith('learn(')) return action.replace(/,cookie=0(x0)?(?=[,)])/, '')
  return action
}

function normalSetField(text: string): string {
  const at = text.lastIndexOf('->')
  const value = text.slice(0, at)
  const field = text.slice(at + 2)
  if (field === 'vlan_vid') return `mod_vlan_vid:${Number(value) & 0xfff}`
  if (field === 'tun_id' || field === 'tunnel_id') return `load:${hexadecimal(value)}->NXM_NX_TUN_ID[]`
  if (field === 'eth_src' || field === 'dl_src') return `mod_dl_src:${value.toLowerCase()}`
  if (field === 'eth_dst' || field === 'dl_dst') return `mod_dl_dst:${value.toLowerCase()}`
  const register = /^reg(\d+)$/.exec(field)
  if (register && !value.includes('/')) return `load:${hexadecimal(value)}->NXM_NX_REG${register[1]}[]`
  return `set_field:${value}->${field}`
}

/** Splits at commas outside of parentheses. */
export function splitTop(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '(') depth++
    else if (c === ')') depth--
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

/** One line for `ovs-ofctl add-flows`: adds (or replaces) a flow. */
export function addLine(flow: FlowText, cookie: bigint): string {
  const match = flow.match === '' ? '' : `,${flow.match}`
  return `add cookie=0x${cookie.toString(16)},table=${flow.table},priority=${flow.priority}${match},actions=${flow.actions}`
}

/** One line for `ovs-ofctl add-flows`: deletes exactly that flow if it bears our cookie. */
export function deleteLine(flow: FlowText, cookie: bigint): string {
  const match = flow.match === '' ? '' : `,${flow.match}`
  return `delete_strict cookie=0x${cookie.toString(16)}/-1,table=${flow.table},priority=${flow.priority}${match}`
}
