/**
 * Fingerprints of documents and of sets of documents, by which server and host find out cheaply whether they hold
 * the same, and where not. Both sides use these functions and no others; their results are part of the feed's
 * contract.
 */
import { createHash } from 'node:crypto'
import type { DocumentKey } from './documents.ts'

/** A document of a set as its digest sees it. */
export interface Held extends DocumentKey {
  /** contentHash of the body. */
  hash: string
}

/** Digest of the empty set. */
export const emptyDigest = '0'.repeat(32)

/**
 * Fingerprint of a JSON value: the first 128 bits of the SHA-256 of its text with sorted keys, as 32 hex digits.
 * Does not depend on the order of keys, and is the same before and after a trip through JSON.
 */
export function contentHash(body: unknown): string {
  return hash128(stableJson(body))
}

/** The bucket of a key, `00` to `ff`: the first byte of the hash of type and id. */
export function keyBucket(key: DocumentKey): string {
  return hash128(keyText(key)).slice(0, 2)
}

/** Digest of a set in any order: the XOR of 128 bits for each key with its hash. 32 hex digits. */
export function setDigest(documents: Iterable<Held>): string {
  let digest = 0n
  for (const held of documents) digest ^= itemDigest(held)
  return hex(digest)
}

/** setDigest of each bucket that holds something. */
export function bucketDigests(documents: Iterable<Held>): Record<string, string> {
  const digests = new Map<string, bigint>()
  for (const held of documents) {
    const bucket = keyBucket(held)
    digests.set(bucket, (digests.get(bucket) ?? 0n) ^ itemDigest(held))
  }
  return Object.fromEntries([...digests].map(([bucket, digest]) => [bucket, hex(digest)]))
}

/**
 * What one document adds to the digest of its set. XOR-ing it in or out keeps a digest current at constant cost:
 * `digest ^ itemDigest(before) ^ itemDigest(after)`.
 */
export function itemDigest(held: Held): bigint {
  return BigInt(`0x${hash128(`${keyText(held)} ${held.hash}`)}`)
}

/** A digest that was kept current with itemDigest, as setDigest would give it. */
export function hex(digest: bigint): string {
  return digest.toString(16).padStart(32, '0')
}

function keyText(key: DocumentKey): string {
  return `${key.type} ${key.id}`
}

function hash128(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** JSON with the keys of every object sorted by code unit; members without a value are left out, as in JSON. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => stableJson(item ?? null)).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${stableJson(member)}`)
  return `{${members.join()}}`
}
