/** Names of devices that Neutron's users know. Linux allows 15 characters. */
import { createHash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { TunnelType } from './settings.ts'

const longest = 15
const hashLength = 6

/** `int-br-ex`, `phy-br-ex`; a name that would be too long ends in a hash of the bridge's. */
export function patchName(prefix: 'int-' | 'phy-', bridge: string): string {
  const name = prefix + bridge
  if (name.length <= longest) return name
  const hash = createHash('sha1').update(bridge).digest('hex').slice(0, hashLength)
  return prefix + bridge.slice(0, longest - prefix.length - hashLength) + hash
}

/** `vxlan-0a000002` for 10.0.0.2; for IPv6 the address's hash takes the place of the digits. */
export function tunnelName(type: TunnelType, remoteIp: string): string {
  const address = ipaddr.parse(remoteIp)
  const digits =
    address.kind() === 'ipv4'
      ? Buffer.from(address.toByteArray()).toString('hex')
      : base32(createHash('sha1').update(remoteIp).digest())
  return `${type}-${digits}`.slice(0, longest)
}

/** `tap` and the first 11 characters of a port's id. */
export function tapName(portId: string): string {
  return `tap${portId.slice(0, 11)}`
}

function base32(bytes: Buffer): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
    .join('')
}
