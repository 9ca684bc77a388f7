/** A unicast MAC address, `aa:bb:cc:dd:ee:ff`, lower case. */
import { type Kind, orNull, refuse, shown } from './kind.ts'

const unicast = /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/

/** The value as a lower-case unicast MAC address, or a refusal. */
export function macAddressOf(value: unknown): string {
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  if (!unicast.test(text) || text === '00:00:00:00:00:00')
    return refuse(`${shown(value)} is not a valid MAC address`)
  return text
}

const macAddress: Kind<string> = {
  name: 'mac-address',
  schema: { type: 'string', pattern: '^[0-9a-fA-F][aceACE02468](:[0-9a-fA-F]{2}){5}$' },
  parse: macAddressOf,
  filter: (text) => text.toLowerCase(),
}

/** Neutron: type:mac_address; null asks for a new one (port-mac-address-regenerate), which the port feature makes. */
export const macAddressOrNew: Kind<string | null> = orNull(macAddress)
