/** Pure: from what documents are now, and what hosts have been told, to what has to be told. */

import { hex, itemDigest } from '../../model/documents/digest.ts'
import type { DocumentType } from '../../model/documents/documents.ts'

/** What one host was last told of a document. */
export interface Told {
  host: string
  hash: string
  present: boolean
}

/** A document as it was derived now, beside what is stored of it. */
export interface Derived {
  type: DocumentType
  id: string
  /** undefined: it is gone. */
  current: { hash: string; body: string } | undefined
  /** The hosts that it concerns now. */
  audience: ReadonlySet<string>
  /** Hash of the stored document. */
  stored: string | undefined
  told: readonly Told[]
}

export interface HostState {
  sequence: number
  digest: string
}

export interface HostDocumentRow {
  host: string
  type: string
  id: string
  seq: number
  hash: string
  present: 0 | 1
  removed_at: number | null
}

export interface Plan {
  documents: { type: string; id: string; hash: string; body: string }[]
  /** Documents that concern nobody any more. */
  gone: { type: string; id: string }[]
  rows: HostDocumentRow[]
  hosts: Map<string, HostState>
}

/**
 * Gives each host that is affected the next positions of its own sequence, one a document that has changed for it.
 * `hosts` holds the state of hosts that have one. `now`: milliseconds since 1970.
 */
export function planUpdates(
  derived: readonly Derived[],
  hosts: ReadonlyMap<string, HostState>,
  now: number,
): Plan {
  const states = new Map<string, { sequence: number; digest: bigint }>()
  const plan: Plan = { documents: [], gone: [], rows: [], hosts: new Map() }

  function stateOf(host: string) {
    let state = states.get(host)
    if (state === undefined) {
      const known = hosts.get(host)
      state = { sequence: known?.sequence ?? 0, digest: BigInt(`0x${known?.digest ?? '0'}`) }
      states.set(host, state)
    }
    return state
  }

  for (const { type, id, current, audience, stored, told } of derived) {
    const wanted = current === undefined ? new Set<string>() : audience
    const toldOf = new Map(told.map((entry) => [entry.host, entry]))
    for (const { host, hash, present } of told) {
      if (!present || wanted.has(host)) continue
      const state = stateOf(host)
      state.digest ^= itemDigest({ type, id, hash })
      const seq = ++state.sequence
      plan.rows.push({ host, type, id, seq, hash, present: 0, removed_at: now })
    }
    if (current === undefined || wanted.size === 0) {
      if (stored !== undefined) plan.gone.push({ type, id })
      continue
    }
    const { hash, body } = current
    for (const host of wanted) {
      const before = toldOf.get(host)
      if (before?.present === true && before.hash === hash) continue
      const state = stateOf(host)
      if (before?.present === true) state.digest ^= itemDigest({ type, id, hash: before.hash })
      state.digest ^= itemDigest({ type, id, hash })
      const seq = ++state.sequence
      plan.rows.push({ host, type, id, seq, hash, present: 1, removed_at: null })
    }
    if (stored !== hash) plan.documents.push({ type, id, hash, body })
  }

  for (const [host, { sequence, digest }] of states) {
    plan.hosts.set(host, { sequence, digest: hex(digest) })
  }
  return plan
}

/** True when no host has to be told anything and no stored document changes: there is nothing to write. */
export function isEmpty(plan: Plan): boolean {
  return plan.rows.length === 0 && plan.documents.length === 0 && plan.gone.length === 0
}
