/** Names of ports in the internal DNS: pure. */
import { invalidInput } from '../../lib/errors.ts'
import type { DnsAssignment } from '../../model/documents/documents.ts'

/** With this domain, Neutron's default, ports have no names of their own. */
const domainWithoutNames = 'openstacklocal'

/** Characters of a full name, its last dot included (RFC 1035). */
const longestName = 255

const bare = (domain: string): string => domain.replace(/\.+$/, '')

/**
 * The dns_name to store: what the client asks for, or '' where the server's domain gives ports no names. Throws
 * InvalidInput when a full name is not in the server's domain, or would be too long.
 */
export function storedDnsName(asked: string, dnsDomain: string): string {
  const domain = bare(dnsDomain)
  if (domain === '' || domain === domainWithoutNames) return ''
  if (asked.endsWith('.') && !asked.endsWith(`.${domain}.`)) {
    throw invalidInput(`The dns_name passed is a FQDN. Its higher level labels must be equal to '${domain}.'`)
  }
  const full = asked.endsWith('.') ? asked : `${asked}.${domain}.`
  if (full.length > longestName) {
    throw invalidInput(`The name ${full} would have ${full.length} characters, more than ${longestName}`)
  }
  return asked.toLowerCase()
}

/**
 * Makes the dns_assignment of ports, with the domain as configured: a name for each address, the port's own or
 * `host-10-0-0-5`.
 */
export function dnsAssigner(dnsDomain: string) {
  const domain = bare(dnsDomain)
  const suffix = domain === '' ? '' : `.${domain}.`
  return (dnsName: string, addresses: readonly { ip_address: string }[]): DnsAssignment[] =>
    addresses.map(({ ip_address }) => {
      const name = dnsName === '' ? `host-${ip_address.replaceAll('.', '-').replaceAll(':', '-')}` : dnsName
      const fqdn = name.endsWith('.') ? name : `${name}${suffix}`
      const hostname = name.endsWith('.') && suffix !== '' ? name.slice(0, -suffix.length) : name
      return { ip_address, hostname, fqdn }
    })
}
