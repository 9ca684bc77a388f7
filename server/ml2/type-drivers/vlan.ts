/**
 * VLAN networks: a VLAN id on a physical network. Ids for tenants come from ranges, a project's own first, physical
 * networks in the order of the configuration, the lowest free id first; administrators may name any id on a known
 * physical network.
 */
import { invalidInput, vlanIdInUse } from '../../../lib/errors.ts'
import type { NetworkingSettings } from '../../settings.ts'
import type { Tx } from '../../store/store.ts'
import type { IdentifiersOf, RangesByPlace } from './identifiers.ts'
import type { TypeDriver, WireSegment } from './type-driver.ts'

const type = 'vlan'
const [least, greatest] = [1, 4094]

/** `network_vlan_ranges` of [ml2_type_vlan]; a physical network without a range is for administrators alone. */
export function vlanDriver(
  { ml2_type_vlan: options }: NetworkingSettings,
  identifiersOf: IdentifiersOf,
): TypeDriver {
  const configured = rangesOf(options.network_vlan_ranges)
  const ids = identifiersOf(type, configured)

  /** An id on that physical network, or on any. */
  async function allocate(tx: Tx, project: string, name?: string): Promise<WireSegment | undefined> {
    const own = await ids.takeOwn(tx, project, name)
    if (own) return { network_type: type, physical_network: own.place, segmentation_id: own.id }
    for (const physical_network of name === undefined ? await ids.places(tx) : [name]) {
      const segmentation_id = await ids.takeShared(tx, physical_network)
      if (segmentation_id !== undefined) return { network_type: type, physical_network, segmentation_id }
    }
    return undefined
  }

  return {
    type,
    numbers: { first: least, last: greatest },
    check({ physical_network: name, segmentation_id: id }) {
      if (name === null || name === '') {
        if (id === null) return
        throw invalidInput('segmentation_id requires physical_network for VLAN provider network')
      }
      if (id !== null && !(id >= least && id <= greatest)) {
        throw invalidInput(`segmentation_id out of range (${least} through ${greatest})`)
      }
    },
    async reserve(tx, segment, project) {
      const { physical_network: name, segmentation_id: id } = segment
      if (name === null || name === '') return allocate(tx, project)
      const hasRange = (await ids.places(tx)).includes(name)
      if (!hasRange && !configured.has(name)) {
        throw invalidInput(`physical_network '${name}' unknown for VLAN provider network`)
      }
      if (id !== null) {
        await ids.take(tx, name, id)
        return segment
      }
      if (hasRange) return allocate(tx, project, name)
      throw invalidInput(
        `Physical network ${name} requires segmentation_id to be specified when creating a provider network`,
      )
    },
    allocate: (tx, project) => allocate(tx, project),
    async release(tx, { physical_network: name, segmentation_id: id }) {
      if (id !== null) await ids.give(tx, name ?? '', id)
    },
    claim: ({ physical_network, segmentation_id }) => `${type} ${segmentation_id} ${physical_network}`,
    taken: ({ physical_network, segmentation_id }) =>
      vlanIdInUse(segmentation_id ?? 0, physical_network ?? ''),
    initialize: (tx) => ids.initialize(tx),
  }
}

type VlanRanges = NetworkingSettings['ml2_type_vlan']['network_vlan_ranges']

/** Physical networks in the order of the configuration; ranges of one are put together. */
function rangesOf(entries: VlanRanges): RangesByPlace {
  const names = [...new Set(entries.map((entry) => entry.physicalNetwork))]
  return new Map(
    names.map((name) => [
      name,
      entries.flatMap(({ physicalNetwork, range }) =>
        physicalNetwork === name && range !== null ? [range] : [],
      ),
    ]),
  )
}
