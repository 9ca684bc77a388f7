/** allowed_address_pairs of ports: pure. */
import {
  addressPairAndPortSecurityRequired,
  allowedAddressPairExhausted,
  duplicateAddressPairInRequest,
} from '../../lib/errors.ts'
import type { AddressPair } from '../../model/documents/documents.ts'

export interface AddressPairInput {
  ip_address: string
  mac_address?: string | null
}

/**
 * The pairs to store: a pair without a MAC has the port's. `limit` is max_allowed_address_pair, negative for none.
 * Throws AllowedAddressPairExhausted, DuplicateAddressPairInRequest.
 */
export function completePairs(
  pairs: readonly AddressPairInput[] | null | undefined,
  macAddress: string,
  limit: number,
): AddressPair[] {
  const wanted = pairs ?? []
  if (limit >= 0 && wanted.length > limit) throw allowedAddressPairExhausted(limit)
  const seen = new Set<string>()
  return wanted.map(({ ip_address, mac_address }) => {
    const mac = (mac_address ?? macAddress).toLowerCase()
    const key = `${mac} ${ip_address}`
    if (seen.has(key)) throw duplicateAddressPairInRequest(mac, ip_address)
    seen.add(key)
    return { ip_address, mac_address: mac }
  })
}

/** Throws AddressPairAndPortSecurityRequired: pairs are exceptions to a filter that must be there. */
export function checkPairsGuarded(pairs: readonly AddressPair[], portSecurity: boolean): void {
  if (pairs.length > 0 && !portSecurity) throw addressPairAndPortSecurityRequired()
}
