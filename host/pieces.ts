/**
 * The union of the desired pieces. The same object may stand in several pieces; it is wanted while one of them has
 * it. Where two pieces contradict each other about an object, the earlier one is followed.
 */
import { isDeepStrictEqual } from 'node:util'
import { type HostObject, objectKey } from './objects.ts'

export interface WantedChange {
  key: string
  object: HostObject | undefined
  before: HostObject | undefined
}

export interface Pieces {
  /** Replaces a piece; answers the objects of the union that have come, changed or gone. */
  set(id: string, objects: readonly HostObject[]): WantedChange[]
  keysOf(id: string): ReadonlySet<string>
  /** Ids of the pieces that have the object. */
  holdersOf(key: string): Iterable<string>
  get(key: string): HostObject | undefined
  /** True when the piece's content of that object is not the one that is followed. */
  contradicts(id: string, key: string): boolean
}

interface Entry {
  byPiece: Map<string, HostObject>
  contrary: Set<string>
}

/** Objects are compared by value: a piece that is set again as it was changes nothing. */
export function createPieces(): Pieces {
  const entries = new Map<string, Entry>()
  const pieces = new Map<string, Set<string>>()
  const none: ReadonlySet<string> = new Set()

  const followed = (entry: Entry | undefined): HostObject | undefined => entry?.byPiece.values().next().value

  function put(id: string, key: string, object: HostObject | undefined): WantedChange | undefined {
    const entry = entries.get(key) ?? { byPiece: new Map(), contrary: new Set() }
    const before = followed(entry)
    const had = entry.byPiece.get(id)
    if (object === undefined) entry.byPiece.delete(id)
    else if (had === undefined || !isDeepStrictEqual(had, object)) entry.byPiece.set(id, object)
    else return undefined
    if (entry.byPiece.size === 0) {
      entries.delete(key)
      return { key, object: undefined, before }
    }
    entries.set(key, entry)
    const now = followed(entry)
    if (before !== undefined && now !== undefined && isDeepStrictEqual(before, now)) {
      if (object === undefined || isDeepStrictEqual(object, now)) entry.contrary.delete(id)
      else entry.contrary.add(id)
      return undefined
    }
    entry.contrary.clear()
    for (const [holder, content] of entry.byPiece) {
      if (!isDeepStrictEqual(content, now)) entry.contrary.add(holder)
    }
    return { key, object: now, before }
  }

  return {
    set(id, objects) {
      const changes: WantedChange[] = []
      const before = pieces.get(id) ?? none
      const keys = new Set<string>()
      for (const object of objects) {
        const key = objectKey(object)
        keys.add(key)
        const change = put(id, key, object)
        if (change) changes.push(change)
      }
      for (const key of before) {
        if (keys.has(key)) continue
        const change = put(id, key, undefined)
        if (change) changes.push(change)
      }
      if (keys.size === 0) pieces.delete(id)
      else pieces.set(id, keys)
      return changes
    },
    keysOf: (id) => pieces.get(id) ?? none,
    holdersOf: (key) => entries.get(key)?.byPiece.keys() ?? none,
    get: (key) => followed(entries.get(key)),
    contradicts: (id, key) => entries.get(key)?.contrary.has(id) ?? false,
  }
}
