/**
 * Local VLANs: the numbers 1..4094 that stand for segments on one integration bridge. Pure: the choice depends on
 * what is observed (the segments that ports carry in other_config) and on what was chosen before.
 */

export const firstVlan = 1
export const lastVlan = 4094
/** Neutron's dead VLAN: a port with it reaches nobody. */
export const deadVlan = 4095

/** A tagged port as observed; `segment` null when it does not say what its tag stands for. */
export interface TaggedPort {
  tag: number
  segment: string | null
}

/** The VLAN of a segment: its present one, else the one that its ports carry, else the lowest free one. */
export function chooseLocalVlan(
  segment: string,
  observed: Iterable<TaggedPort>,
  chosen: ReadonlyMap<string, number>,
): number | undefined {
  const present = chosen.get(segment)
  if (present !== undefined) return present
  const taken = new Set(chosen.values())
  const votes = new Map<number, number>()
  const foreign = new Set<number>()
  for (const port of observed) {
    if (port.segment !== segment) foreign.add(port.tag)
    else votes.set(port.tag, (votes.get(port.tag) ?? 0) + 1)
  }
  const kept = [...votes]
    .filter(([tag]) => tag >= firstVlan && tag <= lastVlan && !taken.has(tag))
    .sort(([a, m], [b, n]) => n - m || a - b)[0]
  if (kept) return kept[0]
  for (let tag = firstVlan; tag <= lastVlan; tag++) if (!taken.has(tag) && !foreign.has(tag)) return tag
  return undefined
}
