/**
 * How text that users chose gets into dnsmasq's files: checked or quoted, so that it can never be read as another
 * option, tag, comment or line.
 */
import type { DhcpOption } from '../../model/documents/documents.ts'

/** dnsmasq breaks longer lines and takes the rest for a line of its own. */
const longestLine = 1000

const hostName = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i

/** A host or domain name without a final dot; undefined when it is none. */
export function dnsName(text: string | undefined): string | undefined {
  const bare = text?.replace(/\.$/, '') ?? ''
  return bare.length <= 253 && hostName.test(bare) && !bare.includes('..') ? bare : undefined
}

/**
 * One line of an options file; undefined for what cannot be said safely. Names are dnsmasq's or numbers, and may be
 * preceded by a tag of the client (`tag:ipxe,67`). Source: extra_dhcp_opts of a port.
 */
export function optionLine(tag: string, option: DhcpOption): string | undefined {
  const [, clientTag = '', written = ''] = /^(tag:!?[\w-]+,)?([\w+-]{1,64})$/.exec(option.opt_name) ?? []
  if (written === '' || option.opt_value === null) return undefined
  const value = optionValue(option.opt_value)
  if (value === undefined) return undefined
  const isNumber = /^\d+$/.test(written)
  const four = isNumber ? written : `option:${written}`
  const name = option.ip_version === 4 ? four : `option6:${written}`
  // Without a value nothing is sent, whatever the subnet says.
  const line = [`tag:${tag}`, `${clientTag}${name}`, ...(value === '' ? [] : [value])].join()
  return Buffer.byteLength(line) <= longestLine ? line : undefined
}

/** Commas part the values of an option, as users mean them to; a part that dnsmasq would misread is quoted. */
function optionValue(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(text)) return undefined
  return text
    .split(',')
    .map((part) => {
      const bare = part.trim()
      return /^[\w.:/[\]@+=~!-]*$/.test(bare) ? bare : `"${bare.replace(/["\\]/g, '\\$&')}"`
    })
    .join(',')
}
