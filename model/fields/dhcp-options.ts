/**
 * DHCP options of a port, by dnsmasq's names or numbers. Everything is one line: these words reach a daemon's
 * configuration.
 */
import { integerOf } from './integer.ts'
import { isObject, type Kind, listOf, onlyKeys, refuse, shown } from './kind.ts'
import { textOf } from './string.ts'

export interface DhcpOptionRequest {
  opt_name: string
  /** null: the option goes. */
  opt_value: string | null
  ip_version: 4 | 6
}

/** Options whose value may be empty, which means: do not send it. */
const mayBeEmpty: readonly string[] = ['router', 'classless-static-route']

/** Neutron: type:list_of_any_key_specs_or_none. */
export const dhcpOptions: Kind<DhcpOptionRequest[] | null> = {
  name: 'dhcp-options',
  schema: {
    anyOf: [
      { type: 'null' },
      {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            opt_name: { type: 'string', maxLength: 64 },
            opt_value: { type: ['string', 'null'], maxLength: 255 },
            ip_version: { enum: [4, 6] },
          },
          required: ['opt_name', 'opt_value'],
          additionalProperties: false,
        },
      },
    ],
  },
  parse: (value) => (value === null ? null : listOf(value).map(optionOf)),
}

function optionOf(option: unknown): DhcpOptionRequest {
  if (!isObject(option)) return refuse(`Invalid data format for extra DHCP option: ${shown(option)}`)
  onlyKeys(option, ['opt_name', 'opt_value', 'ip_version'])
  if (option.opt_value === undefined) refuse('opt_value is missing')
  const name = oneLine(option.opt_name, 64, 'opt_name')
  if (name.trim() === '') refuse('opt_name is blank')
  const value = option.opt_value === null ? null : oneLine(option.opt_value, 255, 'opt_value')
  if (value?.trim() === '' && !mayBeEmpty.includes(name)) refuse(`opt_value of ${shown(name)} is blank`)
  const version = option.ip_version === undefined ? 4 : integerOf(option.ip_version)
  if (version !== 4 && version !== 6) return refuse(`${shown(version)} is not in [4, 6]`)
  return { opt_name: name, opt_value: value, ip_version: version }
}

function oneLine(value: unknown, max: number, what: string): string {
  const text = textOf(value, max)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass.
  if (/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(text))
    refuse(`${what} holds a line break or control character`)
  return text
}
