/** A server's side of the feed for one host, in memory: what a test puts is wanted, what it removes is not. */

import type { Fact, Feed, Heartbeat, Hint } from '../../bus/feed.ts'
import { bucketDigests, setDigest } from '../../model/documents/digest.ts'
import type { DocumentKey, Envelope } from '../../model/documents/documents.ts'

export interface ScriptedFeed extends Feed {
  put(...envelopes: Envelope[]): void
  remove(key: DocumentKey): void
  /** Changes a document without a change being noted: what only a digest finds. */
  tamper(envelope: Envelope): void
  /** Begins a new epoch: positions and facts are forgotten, documents are not. */
  restart(): void
  /** Puts back a backup: positions go back and facts are forgotten within the same epoch, documents are not. */
  rewind(): void
  /** The newest fact of each kind and port, as `kind port`. */
  readonly facts: ReadonlyMap<string, Fact>
  /** All facts in the order in which they came. */
  readonly told: readonly Fact[]
  readonly beats: readonly Heartbeat[]
  held(): Envelope[]
  readonly calls: { pull: number; fetched: number }
}

export function scriptedFeed(options: { pageSize?: number } = {}): ScriptedFeed {
  const { pageSize = 100 } = options
  const documents = new Map<string, Envelope>()
  /** Key -> sequence of its last change, in the order of these. */
  const changes = new Map<string, { key: DocumentKey; sequence: number }>()
  const facts = new Map<string, Fact>()
  const told: Fact[] = []
  const beats: Heartbeat[] = []
  const listeners = new Set<(hint: Hint) => void>()
  const calls = { pull: 0, fetched: 0 }
  let epoch = 1
  let sequence = 0

  const textOf = ({ type, id }: DocumentKey) => `${type} ${id}`
  const position = (at = sequence) => ({ epoch: `epoch-${epoch}`, sequence: at })

  function note(key: DocumentKey): void {
    sequence += 1
    changes.delete(textOf(key))
    changes.set(textOf(key), { key: { type: key.type, id: key.id }, sequence })
    for (const listener of listeners) listener({ sequence })
  }

  function rewind(): void {
    sequence = 0
    changes.clear()
    facts.clear()
    for (const envelope of documents.values()) note(envelope)
  }

  return {
    facts,
    told,
    beats,
    calls,
    held: () => [...documents.values()],
    put(...envelopes) {
      for (const envelope of envelopes) {
        documents.set(textOf(envelope), envelope)
        note(envelope)
      }
    },
    remove(key) {
      documents.delete(textOf(key))
      note(key)
    },
    tamper(envelope) {
      documents.set(textOf(envelope), envelope)
    },
    restart() {
      epoch += 1
      rewind()
    },
    rewind,
    async pull(since) {
      calls.pull += 1
      const known = since?.epoch === position().epoch && since.sequence <= sequence ? since : null
      const due = [...changes.values()].filter((change) => change.sequence > (known?.sequence ?? 0))
      const page = due.slice(0, pageSize)
      const complete = page.length === due.length
      const at = complete ? sequence : (page.at(-1)?.sequence ?? sequence)
      const upserts = page.flatMap(({ key }) => documents.get(textOf(key)) ?? [])
      const removals = page.filter(({ key }) => !documents.has(textOf(key))).map(({ key }) => key)
      return { position: position(at), snapshot: known === null, complete, upserts, removals }
    },
    async heartbeat(beat) {
      beats.push(beat)
      const same = beat.position?.epoch === position().epoch && beat.position.sequence === sequence
      const agrees = !same || beat.digest === null || beat.digest === setDigest(documents.values())
      return { agrees, position: position() }
    },
    async report(batch) {
      for (const fact of batch) {
        told.push(fact)
        facts.set(`${fact.kind} ${fact.port_id}`, fact)
      }
    },
    async compare(buckets) {
      const own = bucketDigests(documents.values())
      const names = new Set([...Object.keys(own), ...Object.keys(buckets)])
      const differing = [...names].filter((bucket) => own[bucket] !== buckets[bucket])
      const inBucket = (bucket: string) =>
        [...documents.values()]
          .filter((envelope) => Object.hasOwn(bucketDigests([envelope]), bucket))
          .map(({ type, id, hash }) => ({ key: { type, id }, hash }))
      return Object.fromEntries(differing.map((bucket) => [bucket, inBucket(bucket)]))
    },
    async fetch(keys) {
      calls.fetched += keys.length
      return keys.flatMap((key) => documents.get(textOf(key)) ?? [])
    },
    async *hints(signal) {
      const waiting: Hint[] = []
      let wake = () => {}
      const listener = (hint: Hint) => {
        waiting.push(hint)
        wake()
      }
      listeners.add(listener)
      signal.addEventListener('abort', () => wake(), { once: true })
      try {
        while (!signal.aborted) {
          const hint = waiting.shift()
          if (hint !== undefined) yield hint
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        listeners.delete(listener)
      }
    },
  }
}
