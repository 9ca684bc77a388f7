/**
 * Tunnel networks: VXLAN, GRE and Geneve. Identifiers for tenants come from the configured ranges, the lowest free
 * one first; administrators may name any that fits the tunnel's header.
 */
import { invalidInput, tunnelIdInUse } from '../../../lib/errors.ts'
import type { NetworkingSettings } from '../../settings.ts'
import { identifiers, type NumberRange } from './identifiers.ts'
import { segmentsOfType, type TypeDriver, type WireSegment } from './type-driver.ts'

/** `vni_ranges` of [ml2_type_vxlan]. */
export function vxlanDriver({ ml2_type_vxlan: options }: NetworkingSettings): TypeDriver {
  return tunnelDriver('vxlan', 2 ** 24 - 1, options.vni_ranges)
}

/** `tunnel_id_ranges` of [ml2_type_gre]: keys of 32 bits. */
export function greDriver({ ml2_type_gre: options }: NetworkingSettings): TypeDriver {
  return tunnelDriver('gre', 2 ** 32 - 1, options.tunnel_id_ranges)
}

/** `vni_ranges` of [ml2_type_geneve]. */
export function geneveDriver({ ml2_type_geneve: options }: NetworkingSettings): TypeDriver {
  return tunnelDriver('geneve', 2 ** 24 - 1, options.vni_ranges)
}

function tunnelDriver(type: string, greatest: number, ranges: readonly NumberRange[]): TypeDriver {
  const ids = identifiers(type, ranges)
  const segment = (id: number): WireSegment => ({
    network_type: type,
    physical_network: null,
    segmentation_id: id,
  })
  const allocate: TypeDriver['allocate'] = async (tx) => {
    const id = await ids.takeLowest(tx)
    return id === undefined ? undefined : segment(id)
  }
  return {
    type,
    check({ physical_network, segmentation_id: id }) {
      if (physical_network !== null) {
        throw invalidInput(`provider:physical_network specified for ${type} network`)
      }
      if (id !== null && !(id >= 1 && id <= greatest)) {
        throw invalidInput(`segmentation_id out of range (1 through ${greatest})`)
      }
    },
    async reserve(tx, wanted) {
      if (wanted.segmentation_id === null) return allocate(tx)
      await ids.take(tx, wanted.segmentation_id)
      return wanted
    },
    allocate,
    async release(tx, { segmentation_id: id }) {
      if (id !== null) await ids.give(tx, id)
    },
    claim: ({ segmentation_id }) => `${type} ${segmentation_id}`,
    taken: ({ segmentation_id }) => tunnelIdInUse(segmentation_id ?? 0),
    async initialize(tx) {
      const used = await segmentsOfType(tx, type)
      await ids.initialize(
        tx,
        used.map((one) => one.segmentation_id),
      )
    },
  }
}
