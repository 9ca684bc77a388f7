/** What must be done to a facility, as a pure function of what is there and what is wanted. */
import type { Change, Observed, Verdict } from './facility.ts'
import type { HostObject, Kind } from './objects.ts'

/** The order in which things are made; they are removed in the reverse order. */
export const kindOrder: readonly Kind[] = [
  'namespace',
  'link',
  'address',
  'route',
  'sysctl',
  'ovs-bridge',
  'ovs-port',
  'ovs-tag',
  'flow',
  'directory',
  'file',
  'lease-file',
  'process',
  'lease',
]

const rank = new Map(kindOrder.map((kind, index) => [kind, index]))

export interface Plan {
  make: Change[]
  remove: Change[]
  /** In place already, gone as it should be, or nobody's business of ours. */
  settled: string[]
  /** On their way; to be looked at again. */
  pending: string[]
}

export interface Sight {
  ident: string
  observed: Observed | undefined
  wanted: HostObject | undefined
}

/** Plans for the given idents. Removes only what is ours. */
export function plan(
  sights: Iterable<Sight>,
  verdict: (observed: Observed | undefined, wanted: HostObject) => Verdict,
): Plan {
  const result: Plan = { make: [], remove: [], settled: [], pending: [] }
  for (const sight of sights) {
    if (sight.wanted === undefined) {
      if (sight.observed?.ours) result.remove.push(sight)
      else result.settled.push(sight.ident)
      continue
    }
    const found = verdict(sight.observed, sight.wanted)
    if (found === 'differs') result.make.push(sight)
    else result[found].push(sight.ident)
  }
  result.make.sort((a, b) => rankOf(a) - rankOf(b))
  result.remove.sort((a, b) => rankOf(b) - rankOf(a))
  return result
}

function rankOf(change: Change): number {
  const kind = (change.wanted ?? change.observed?.object)?.kind
  return kind === undefined ? 0 : (rank.get(kind) ?? 0)
}
