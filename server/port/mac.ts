/** MAC addresses for ports: random below the configured base. */
import { randomBytes } from 'node:crypto'

/**
 * A random address in the range of `base_mac`: its first three octets stay, and the fourth unless it is 00; the rest
 * is random.
 */
export function randomMac(baseMac: string): string {
  const base = baseMac.toLowerCase().split(':')
  const kept = base[3] === '00' ? 3 : 4
  const random = randomBytes(6 - kept)
  const octets = [
    ...base.slice(0, kept),
    ...Array.from(random, (octet) => octet.toString(16).padStart(2, '0')),
  ]
  return octets.join(':')
}
