/** What MTU a network has by default and at most: pure. Numbers are bytes; 0 means not known. */
import { invalidInput } from '../../lib/errors.ts'
import type { NetworkingSettings } from '../settings.ts'

const ipHeader: Record<number, number> = { 4: 20, 6: 40 }

/** Bytes between the outer IP header and the inner IP packet; undefined for what is not tunnelled. */
function encapsulation({ ml2_type_geneve }: NetworkingSettings, type: string): number | undefined {
  switch (type) {
    case 'vxlan':
      return 30
    case 'gre':
      return 22
    case 'geneve':
      return ml2_type_geneve.max_header_size
    default:
      return undefined
  }
}

interface WireSegment {
  network_type: string
  physical_network: string | null
}

/** The largest MTU that all segments of a network carry. 1500 where nothing is known (Neutron's own default). */
export function maximumMtu(settings: NetworkingSettings, segments: readonly WireSegment[]): number {
  const known = segments.map((segment) => segmentMtu(settings, segment)).filter((mtu) => mtu > 0)
  return known.length > 0 ? Math.min(...known) : 1500
}

/** 0 asks for the largest. Throws InvalidInput above that. */
export function chosenMtu(asked: number, maximum: number): number {
  if (asked > maximum) throw invalidInput(`Requested MTU is too big, maximum is ${maximum}`)
  return asked === 0 ? maximum : asked
}

function segmentMtu(settings: NetworkingSettings, segment: WireSegment): number {
  const { DEFAULT, ml2 } = settings
  const least = (...values: number[]): number => {
    const set = values.filter((value) => value > 0)
    return set.length > 0 ? Math.min(...set) : 0
  }
  const overhead = encapsulation(settings, segment.network_type)
  if (overhead !== undefined) {
    const mtu = least(DEFAULT.global_physnet_mtu, ml2.path_mtu)
    return mtu === 0 ? 0 : mtu - (ipHeader[ml2.overlay_ip_version] ?? 20) - overhead
  }
  return least(DEFAULT.global_physnet_mtu, ml2.physical_network_mtus.get(segment.physical_network ?? '') ?? 0)
}
