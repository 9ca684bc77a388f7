/**
 * VLAN networks: a VLAN id on a physical network. Ids for tenants come from the configured ranges, physical networks in
 * their order, the lowest free id first; administrators may name any id on a configured physical network.
 */
import { invalidInput, vlanIdInUse } from '../../../lib/errors.ts'
import type { NetworkingSettings } from '../../settings.ts'
import { type Identifiers, identifiers } from './identifiers.ts'
import { segmentsOfType, type TypeDriver, type WireSegment } from './type-driver.ts'

const type = 'vlan'
const [least, greatest] = [1, 4094]
const poolPrefix = 'vlan '

/** `network_vlan_ranges` of [ml2_type_vlan]; a physical network without a range is for administrators alone. */
export function vlanDriver({ ml2_type_vlan: options }: NetworkingSettings): TypeDriver {
  const pools = poolsOf(options.network_vlan_ranges)

  async function allocateOn(
    tx: Parameters<TypeDriver['allocate']>[0],
    names: Iterable<string>,
  ): Promise<WireSegment | undefined> {
    for (const physical_network of names) {
      const segmentation_id = await pools.get(physical_network)?.ids.takeLowest(tx)
      if (segmentation_id !== undefined) return { network_type: type, physical_network, segmentation_id }
    }
    return undefined
  }

  return {
    type,
    check({ physical_network: name, segmentation_id: id }) {
      if (name === null || name === '') {
        if (id === null) return
        throw invalidInput('segmentation_id requires physical_network for VLAN provider network')
      }
      const pool = pools.get(name)
      if (!pool) throw invalidInput(`physical_network '${name}' unknown for VLAN provider network`)
      if (id === null && !pool.forTenants) {
        throw invalidInput(
          `Physical network ${name} requires segmentation_id to be specified when creating a provider network`,
        )
      }
      if (id !== null && !(id >= least && id <= greatest)) {
        throw invalidInput(`segmentation_id out of range (${least} through ${greatest})`)
      }
    },
    async reserve(tx, segment) {
      const { physical_network: name, segmentation_id: id } = segment
      if (name === null || name === '') return allocateOn(tx, pools.keys())
      if (id === null) return allocateOn(tx, [name])
      await pools.get(name)?.ids.take(tx, id)
      return segment
    },
    allocate: (tx) => allocateOn(tx, pools.keys()),
    async release(tx, { physical_network: name, segmentation_id: id }) {
      if (id !== null) await pools.get(name ?? '')?.ids.give(tx, id)
    },
    claim: ({ physical_network, segmentation_id }) => `${type} ${segmentation_id} ${physical_network}`,
    taken: ({ physical_network, segmentation_id }) =>
      vlanIdInUse(segmentation_id ?? 0, physical_network ?? ''),
    async initialize(tx) {
      await tx.db.deleteFrom('free_ranges').where('pool', 'like', `${poolPrefix}%`).execute()
      const used = await segmentsOfType(tx, type)
      for (const [name, { ids }] of pools) {
        const here = used.filter((segment) => segment.physical_network === name)
        await ids.initialize(
          tx,
          here.map((segment) => segment.segmentation_id),
        )
      }
    },
  }
}

interface Pool {
  /** True: it has a range, so that an id can be chosen. */
  forTenants: boolean
  ids: Identifiers
}

type VlanRanges = NetworkingSettings['ml2_type_vlan']['network_vlan_ranges']

/** A pool for each physical network, in the order of the configuration; ranges of one are put together. */
function poolsOf(entries: VlanRanges): ReadonlyMap<string, Pool> {
  const names = [...new Set(entries.map((entry) => entry.physicalNetwork))]
  return new Map(
    names.map((name) => {
      const ranges = entries.flatMap(({ physicalNetwork, range }) =>
        physicalNetwork === name && range !== null ? [range] : [],
      )
      return [name, { forTenants: ranges.length > 0, ids: identifiers(poolPrefix + name, ranges) }]
    }),
  )
}
