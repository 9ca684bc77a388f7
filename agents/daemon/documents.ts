/**
 * The documents that a host holds, in memory: found by key or by network, with the digest of the set kept current.
 */

import { bucketDigests, emptyDigest, hex, itemDigest, keyBucket } from '../../model/documents/digest.ts'
import type { DocumentBodies, DocumentKey, DocumentType, Envelope } from '../../model/documents/documents.ts'

/** A document that came, went, or became another. */
export interface DocumentChange extends DocumentKey {
  /** undefined: it was not there. */
  before: Envelope | undefined
  /** undefined: it is gone. */
  after: Envelope | undefined
}

/** Documents that belong to one network each. */
type NetworkPart = 'port' | 'dhcp-entry'

/** What roles read. */
export interface Documents {
  get<T extends DocumentType>(type: T, id: string): DocumentBodies[T] | undefined
  all<T extends DocumentType>(type: T): DocumentBodies[T][]
  /** Ports or DHCP entries of one network. */
  ofNetwork<T extends NetworkPart>(type: T, networkId: string): DocumentBodies[T][]
}

export interface DocumentSet extends Documents {
  /** Number of documents. */
  readonly size: number
  envelopes(): IterableIterator<Envelope>
  has(key: DocumentKey): boolean
  /** Takes in and throws out; answers what is different now. */
  change(upserts: readonly Envelope[], removals: readonly DocumentKey[]): DocumentChange[]
  /** setDigest of all documents. */
  digest(): string
  /** bucketDigests of all documents. */
  buckets(): Record<string, string>
  /** The keys held in these buckets, with their hashes. */
  inBuckets(buckets: ReadonlySet<string>): { key: DocumentKey; hash: string }[]
}

/** Empty at first. Documents of types that this agent does not know are passed over. */
export function documentSet(): DocumentSet {
  const byType: { [T in DocumentType]: Map<string, Envelope> } = {
    network: new Map(),
    port: new Map(),
    'dhcp-entry': new Map(),
    'tunnel-endpoint': new Map(),
  }
  /** `type network` -> ids. */
  const parts = new Map<string, Set<string>>()
  let digest = BigInt(`0x${emptyDigest}`)

  function index(envelope: Envelope, add: boolean): void {
    digest ^= itemDigest(envelope)
    const networkId = networkOf(envelope)
    if (networkId === undefined) return
    const key = `${envelope.type} ${networkId}`
    const ids = parts.get(key) ?? new Set()
    if (add) parts.set(key, ids.add(envelope.id))
    else if (ids.delete(envelope.id) && ids.size === 0) parts.delete(key)
  }

  function replace(key: DocumentKey, after: Envelope | undefined): DocumentChange | undefined {
    const held: Map<string, Envelope> | undefined = byType[key.type]
    const before = held?.get(key.id)
    if (held === undefined || before?.hash === after?.hash) return undefined
    if (before !== undefined) index(before, false)
    if (after !== undefined) index(after, true)
    if (after !== undefined) held.set(key.id, after)
    else held.delete(key.id)
    return { type: key.type, id: key.id, before, after }
  }

  function* envelopes(): IterableIterator<Envelope> {
    for (const held of Object.values(byType)) yield* held.values()
  }

  // Maps are filled by the type of their documents, which the compiler cannot follow.
  const bodyOf = <T extends DocumentType>(type: T, id: string) =>
    byType[type].get(id)?.body as DocumentBodies[T] | undefined

  return {
    get size() {
      return Object.values(byType).reduce((sum, held) => sum + held.size, 0)
    },
    envelopes,
    has: (key) => byType[key.type]?.has(key.id) ?? false,
    get: bodyOf,
    all: <T extends DocumentType>(type: T) =>
      Array.from(byType[type].values(), (envelope) => envelope.body as DocumentBodies[T]),
    ofNetwork: <T extends NetworkPart>(type: T, networkId: string) =>
      Array.from(parts.get(`${type} ${networkId}`) ?? [], (id) => bodyOf(type, id)).filter(
        (body) => body !== undefined,
      ),
    change(upserts, removals) {
      return [
        ...upserts.map((envelope) => replace(envelope, envelope)),
        ...removals.map((key) => replace(key, undefined)),
      ].filter((change) => change !== undefined)
    },
    digest: () => hex(digest),
    buckets: () => bucketDigests(envelopes()),
    inBuckets: (buckets) =>
      Array.from(envelopes())
        .filter((envelope) => buckets.has(keyBucket(envelope)))
        .map(({ type, id, hash }) => ({ key: { type, id }, hash })),
  }
}

function networkOf(envelope: Envelope): string | undefined {
  return envelope.type === 'port' || envelope.type === 'dhcp-entry' ? envelope.body.network_id : undefined
}
