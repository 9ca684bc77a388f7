/**
 * VXLAN networks. VNIs for tenants come from the configured ranges, the lowest free one first; administrators may
 * name any VNI.
 */
import { sortableNumber } from '../../../lib/addresses.ts'
import { invalidInput, tunnelIdInUse } from '../../../lib/errors.ts'
import { fill, give, poolValue, take, takeLowest } from '../../ipam/free-ranges.ts'
import type { NetworkingSettings } from '../../settings.ts'
import type { TypeDriver } from './type-driver.ts'

const type = 'vxlan'
const [least, greatest] = [1, 2 ** 24 - 1]

/** `vni_ranges` of [ml2_type_vxlan]. */
export function vxlanDriver({ ml2_type_vxlan: options }: NetworkingSettings): TypeDriver {
  const ranges = options.vni_ranges
  const driver: TypeDriver = {
    type,
    check({ physical_network, segmentation_id: vni }) {
      if (physical_network !== null) {
        throw invalidInput(`provider:physical_network specified for ${type} network`)
      }
      if (vni !== null && !(vni >= least && vni <= greatest)) {
        throw invalidInput(`segmentation_id out of range (${least} through ${greatest})`)
      }
    },
    async reserve(tx, segment) {
      if (segment.segmentation_id === null) return driver.allocate(tx)
      await take(tx, type, poolValue(segment.segmentation_id))
      return segment
    },
    async allocate(tx) {
      const value = await takeLowest(tx, type)
      if (value === undefined) return undefined
      return { network_type: type, physical_network: null, segmentation_id: Number(sortableNumber(value)) }
    },
    async release(tx, { segmentation_id: vni }) {
      if (vni === null || !ranges.some((range) => range.first <= vni && vni <= range.last)) return
      await give(tx, type, poolValue(vni))
    },
    claim: ({ segmentation_id }) => `${type} ${segmentation_id}`,
    taken: ({ segmentation_id }) => tunnelIdInUse(segmentation_id ?? 0),
    async initialize(tx) {
      const used = await tx.db
        .selectFrom('network_segments')
        .select('segmentation_id')
        .where('network_type', '=', type)
        .where('segmentation_id', 'is not', null)
        .execute()
      await fill(
        tx,
        type,
        ranges.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) })),
        used.map((row) => BigInt(row.segmentation_id ?? 0)),
      )
    },
  }
  return driver
}
