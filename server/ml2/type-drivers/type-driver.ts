/** A type driver: how segments of one network type are checked, taken and given back. */
import type { ReadTx, Tx } from '../../store/store.ts'
import type { NumberRange } from './identifiers.ts'

/** What a segment is on the wire, before it belongs to a network. */
export interface WireSegment {
  network_type: string
  physical_network: string | null
  segmentation_id: number | null
}

export interface TypeDriver {
  type: string
  /** The numbers that identify a segment; absent where there is none. */
  numbers?: NumberRange
  /** Throws InvalidInput where provider attributes make no segment of this type. */
  check(segment: WireSegment): void
  /**
   * Completes a segment that an administrator names for a network of that project; the identifier may be left out.
   * Undefined when none is left. Whether another network has it already is told by its claim. Throws InvalidInput for
   * a physical network that is not known.
   */
  reserve(tx: Tx, segment: WireSegment, project: string): Promise<WireSegment | undefined>
  /** A segment for a network of that project; undefined when none is left or the type has none for tenants. */
  allocate(tx: Tx, project: string): Promise<WireSegment | undefined>
  /** Gives back what reserve or allocate took. */
  release(tx: Tx, segment: WireSegment): Promise<void>
  /** What the segment takes for itself alone; null where any number of networks may have the same. */
  claim(segment: WireSegment): string | null
  /** The fault of a claim that another network has. */
  taken(segment: WireSegment): Error
  /** Brings stored identifiers in line with the configuration, once at start. */
  initialize?(tx: Tx): Promise<void>
}

/** The identifiers of all segments of a type that networks have now. */
export async function segmentsOfType(
  tx: ReadTx,
  type: string,
): Promise<{ physical_network: string | null; segmentation_id: number }[]> {
  const rows = await tx.db
    .selectFrom('network_segments')
    .select(['physical_network', 'segmentation_id'])
    .where('network_type', '=', type)
    .where('segmentation_id', 'is not', null)
    .execute()
  return rows.map((row) => ({ ...row, segmentation_id: Number(row.segmentation_id) }))
}
