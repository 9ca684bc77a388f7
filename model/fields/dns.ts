/** DNS names and domains (RFC 1035, RFC 1123), lower case. */
import { ConversionError, type Kind, refuse, sameText, shown } from './kind.ts'
import { textOf } from './string.ts'

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

function lowered(value: unknown): string {
  if (typeof value !== 'string')
    throw new ConversionError(`${shown(value)} cannot be converted to lower case string`)
  return value.toLowerCase()
}

/** Checks the labels of a name, its final dot aside. */
function checkLabels(name: string): void {
  const labels = name.replace(/\.$/, '').split('.')
  for (const one of labels) {
    if (!label.test(one)) refuse(`${shown(name)} is not a valid PQDN or FQDN: ${shown(one)} is no DNS label`)
  }
  if (labels.length > 1 && /^\d+$/.test(labels.at(-1) ?? ''))
    refuse(`${shown(name)}: its top-level domain is a number`)
}

function dnsKind(name: string, check: (text: string) => void): Kind<string> {
  return {
    name,
    schema: { type: 'string', maxLength: 255 },
    parse(value) {
      const text = textOf(lowered(value), 255)
      if (text !== '') check(text)
      return text
    },
    filter: sameText,
  }
}

/** Neutron: convert_string_to_case_insensitive, type:dns_host_name. */
export const dnsName: Kind<string> = dnsKind('dns-name', checkLabels)

/** Neutron: convert_string_to_case_insensitive, type:dns_domain_name. */
export const dnsDomain: Kind<string> = dnsKind('dns-domain', (text) => {
  if (!text.endsWith('.')) refuse(`${shown(text)} is not a FQDN: it does not end with a dot`)
  checkLabels(text)
})
