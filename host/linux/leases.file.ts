/** dnsmasq's lease file. */
export interface DnsmasqLease {
  ip: string
  /** Lower case; undefined where a DHCPv6 client's identifier holds none. */
  mac: string | undefined
  /** Client identifier as dnsmasq writes it; undefined where there is none (`*`). */
  clientId: string | undefined
  /** DHCPv6 only: identity association and the server's identifier. */
  iaid: string | undefined
  serverId: string | undefined
}

/** Reads a lease file; lines that are no leases are skipped. */
export function parseLeases(text: string): DnsmasqLease[] {
  const leases: DnsmasqLease[] = []
  let serverId: string | undefined
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[0] === 'duid') {
      serverId = fields[1]
      continue
    }
    const [expiry, id, ip, , client] = fields
    if (expiry === undefined || !/^\d+$/.test(expiry) || id === undefined || ip === undefined) continue
    const clientId = client === undefined || client === '*' ? undefined : client
    if (ip.includes(':'))
      leases.push({ ip, mac: macOfDuid(clientId), clientId, iaid: id.replace(/^T/, ''), serverId })
    else
      leases.push({
        ip,
        mac: id.split('-').at(-1)?.toLowerCase(),
        clientId,
        iaid: undefined,
        serverId: undefined,
      })
  }
  return leases
}

/** False of a text that dnsmasq cannot have written: each line is a lease, or a word with what it names (`duid`). */
export function isLeaseText(text: string): boolean {
  const lines = text === '' ? [] : text.trimEnd().split('\n')
  return lines.every((line) => /^\d+( \S+){4}$|^[a-z][a-z-]* \S/.test(line))
}

/** The MAC in a DUID of the types LLT (1) and LL (3), RFC 8415 section 11. */
function macOfDuid(duid: string | undefined): string | undefined {
  const bytes = duid?.toLowerCase().split(':') ?? []
  const type = Number.parseInt(bytes.slice(0, 2).join(''), 16)
  return (type === 1 && bytes.length === 14) || (type === 3 && bytes.length === 10)
    ? bytes.slice(-6).join(':')
    : undefined
}
