/**
 * Tunnel networks: VXLAN, GRE and Geneve. Identifiers for tenants come from the configured ranges, the lowest free
 * one first; administrators may name any that fits the tunnel's header.
 */
import { invalidInput, tunnelIdInUse } from '../../../lib/errors.ts'
import type { NetworkingSettings } from '../../settings.ts'
import { type IdentifiersOf, type NumberRange, nowhere } from './identifiers.ts'
import type { TypeDriver } from './type-driver.ts'

type Factory = (settings: NetworkingSettings, identifiersOf: IdentifiersOf) => TypeDriver

/** `vni_ranges` of [ml2_type_vxlan]. */
export const vxlanDriver: Factory = ({ ml2_type_vxlan: options }, identifiersOf) =>
  tunnelDriver('vxlan', 2 ** 24 - 1, options.vni_ranges, identifiersOf)

/** `tunnel_id_ranges` of [ml2_type_gre]: keys of 32 bits. */
export const greDriver: Factory = ({ ml2_type_gre: options }, identifiersOf) =>
  tunnelDriver('gre', 2 ** 32 - 1, options.tunnel_id_ranges, identifiersOf)

/** `vni_ranges` of [ml2_type_geneve]. */
export const geneveDriver: Factory = ({ ml2_type_geneve: options }, identifiersOf) =>
  tunnelDriver('geneve', 2 ** 24 - 1, options.vni_ranges, identifiersOf)

function tunnelDriver(
  type: string,
  greatest: number,
  ranges: readonly NumberRange[],
  identifiersOf: IdentifiersOf,
): TypeDriver {
  const ids = identifiersOf(type, new Map([[nowhere, ranges]]))
  const allocate: TypeDriver['allocate'] = async (tx, project) => {
    const own = await ids.takeOwn(tx, project)
    const id = own?.id ?? (await ids.takeShared(tx, nowhere))
    return id === undefined ? undefined : { network_type: type, physical_network: null, segmentation_id: id }
  }
  return {
    type,
    numbers: { first: 1, last: greatest },
    check({ physical_network, segmentation_id: id }) {
      if (physical_network !== null) {
        throw invalidInput(`provider:physical_network specified for ${type} network`)
      }
      if (id !== null && !(id >= 1 && id <= greatest)) {
        throw invalidInput(`segmentation_id out of range (1 through ${greatest})`)
      }
    },
    async reserve(tx, wanted, project) {
      if (wanted.segmentation_id === null) return allocate(tx, project)
      await ids.take(tx, nowhere, wanted.segmentation_id)
      return wanted
    },
    allocate,
    async release(tx, { segmentation_id: id }) {
      if (id !== null) await ids.give(tx, nowhere, id)
    },
    claim: ({ segmentation_id }) => `${type} ${segmentation_id}`,
    taken: ({ segmentation_id }) => tunnelIdInUse(segmentation_id ?? 0),
    initialize: (tx) => ids.initialize(tx),
  }
}
