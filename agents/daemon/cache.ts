/**
 * The replica on disk: a journal of the pages that made it, replayed at start, so that a host knows what is wanted of
 * it while no server answers. A page is written before it is acted upon. kill -9 at any point loses at most the page
 * being written, which comes again; a file that is damaged, or another host's, is started over, and then nothing on
 * the host is removed before a server has answered. Where it cannot be written, as on a full disk, the host goes on
 * without it: the journal is set aside as stale, and written anew when that is possible.
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { FeedPage } from '../../bus/feed.ts'
import { documentSchema } from '../../model/documents/documents.ts'
import type { Logger } from '../../runtime/log.ts'
import type { DocumentChange } from './documents.ts'
import { createReplica, type Repair, type Replica } from './replica.ts'

/** A line of the journal, after `<crc32 in hex> `. */
type Entry = { header: Header } | { page: FeedPage } | { repair: Repair }

interface Header {
  format: 1
  schema: number
  host: string
}

export interface Cache {
  readonly replica: Replica
  /** Replica.apply, on disk first. */
  apply(page: FeedPage): DocumentChange[]
  /** Replica.repair, on disk first. */
  repair(repair: Repair): DocumentChange[]
  close(): void
}

export interface CacheOptions {
  /** Directory of the journal; made if it is not there. */
  directory: string
  host: string
  log: Logger
  /** The journal is rewritten when it is longer than this and than three times what it must hold. Bytes. */
  compactAbove?: number
}

/** Milliseconds after which a disk that could not be written is tried again. */
const retryAfter = 1000

/** Documents in one page of a rewritten journal. */
const pageSize = 500

/**
 * Has replayed the journal when it returns. No error of the disk is thrown: the host goes on without one. For one
 * process at a time: nothing locks it.
 */
export function openCache(options: CacheOptions): Cache {
  const { directory, host, log, compactAbove = 1 << 20 } = options
  const path = join(directory, 'documents.journal')
  /** What is left of a journal that could not be gone on with. */
  const stale = join(directory, 'documents.stale')
  const header: Header = { format: 1, schema: documentSchema, host }
  attempt(() => mkdirSync(directory, { recursive: true, mode: 0o700 }))

  let replica = createReplica()
  let length = 0
  let compactLength = 0
  /** Undefined while there is no journal: it cannot be written. */
  let file: number | undefined
  let triedAt = -retryAfter
  begin()

  function attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      log.debug({ err: error }, 'the document cache is not as it should be')
    }
  }

  /** Replays what is there, and opens the journal to be gone on with. */
  function begin(): void {
    length = load(path)
    if (length === 0) {
      load(stale)
      // What came after it is not known: nothing is taken for unwanted before a server has answered.
      replica.doubt()
      anew()
      return
    }
    compactLength = length
    try {
      file = openSync(path, 'a', 0o600)
      ftruncateSync(file, length)
      // A header more says nothing, and shows whether there can be more.
      length += writeEntry(file, { header })
      attempt(() => rmSync(stale, { force: true }))
    } catch (error) {
      // Perhaps an earlier agent could not write it either, nor set it aside: then more came after it, as after a stale one.
      replica.doubt()
      setAside(error)
    }
  }

  /** Replays a journal; answers the length of what is good, without a line that was being written. */
  function load(from: string): number {
    let good = 0
    try {
      const bytes = readJournal(from)
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, good)) {
        const entry = parseEntry(bytes.subarray(good, end))
        if (good === 0) checkHeader(entry, header)
        else if ('page' in entry) replica.apply(entry.page)
        else if ('repair' in entry) replica.repair(entry.repair)
        good = end + 1
      }
    } catch (error) {
      log.warn({ err: error, path: from, offset: good }, 'the document cache is not usable: starting over')
      replica = createReplica()
      good = 0
    }
    // Half a snapshot cannot be gone on with: what it has named so far is known to the run that read it alone.
    if (replica.inSnapshot) replica.restart()
    return good
  }

  /** Replaces the journal as a whole, written beside it and renamed, and goes on with the new one. */
  function rewrite(entries: Iterable<Entry>): void {
    const beside = `${path}.new`
    const target = openSync(beside, 'a', 0o600)
    try {
      ftruncateSync(target)
      let written = 0
      for (const entry of entries) written += writeEntry(target, entry)
      renameSync(beside, path)
      length = written
      compactLength = written
    } catch (error) {
      closeSync(target)
      attempt(() => rmSync(beside))
      throw error
    }
    if (file !== undefined) closeSync(file)
    file = target
  }

  /** Writes the journal anew, unless that failed a moment ago. A replica that is not whole is not worth one. */
  function anew(): void {
    if (performance.now() - triedAt < retryAfter) return
    const whole = replica.complete && !replica.inSnapshot
    if (!whole && replica.documents.size > 0) return
    triedAt = performance.now()
    try {
      rewrite(whole ? wholeJournal(header, replica) : [{ header }])
      triedAt = -retryAfter
      attempt(() => rmSync(stale, { force: true }))
    } catch (error) {
      log.warn({ err: error, path }, 'the document cache cannot be written: going on without it')
    }
  }

  /** Gives up a journal that cannot be gone on with; what it holds may be useful all the same. */
  function setAside(reason: unknown): void {
    log.warn({ err: reason, path }, 'the document cache cannot be written: going on without it')
    const torn = file
    file = undefined
    triedAt = performance.now()
    if (torn !== undefined) {
      attempt(() => ftruncateSync(torn, length))
      attempt(() => closeSync(torn))
    }
    attempt(() => renameSync(path, stale))
  }

  function append(entry: Entry): void {
    if (file === undefined) return
    try {
      length += writeEntry(file, entry)
    } catch (error) {
      setAside(error)
    }
  }

  function compact(): void {
    if (file === undefined) {
      anew()
      return
    }
    if (length < Math.max(compactAbove, 3 * compactLength)) return
    if (!replica.complete || replica.inSnapshot) return
    try {
      rewrite(wholeJournal(header, replica))
      log.debug({ path, length, documents: replica.documents.size }, 'document cache rewritten')
    } catch (error) {
      // The longer one goes on for as long as it can be written.
      log.debug({ err: error, path }, 'the document cache cannot be rewritten')
      compactLength = length
    }
  }

  return {
    get replica() {
      return replica
    },
    apply(page) {
      append({ page })
      const changes = replica.apply(page)
      compact()
      return changes
    },
    repair(repair) {
      append({ repair })
      const changes = replica.repair(repair)
      compact()
      return changes
    },
    close() {
      if (file !== undefined) closeSync(file)
    },
  }
}

function readJournal(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

function parseEntry(line: Buffer): Entry {
  const text = line.subarray(9)
  if (line.subarray(0, 8).toString() !== checksum(text)) throw new Error('checksum does not match')
  return JSON.parse(text.toString()) as Entry
}

function checkHeader(entry: Entry, expected: Header): void {
  const found = 'header' in entry ? entry.header : undefined
  for (const field of ['format', 'schema', 'host'] as const) {
    if (found?.[field] !== expected[field]) throw new Error(`made for ${field} ${found?.[field]}`)
  }
}

function writeEntry(file: number, entry: Entry): number {
  const text = Buffer.from(JSON.stringify(entry))
  const line = Buffer.concat([Buffer.from(`${checksum(text)} `), text, Buffer.from('\n')])
  for (let written = 0; written < line.length; ) written += writeSync(file, line, written)
  return line.length
}

function checksum(text: Buffer): string {
  return crc32(text).toString(16).padStart(8, '0')
}

/** The replica as the shortest journal: one snapshot, in pages. */
function* wholeJournal(header: Header, replica: Replica): Iterable<Entry> {
  yield { header }
  const { position } = replica
  if (position === null) return
  const upserts = [...replica.documents.envelopes()]
  for (let first = 0; first === 0 || first < upserts.length; first += pageSize) {
    const last = first + pageSize >= upserts.length
    const part = upserts.slice(first, first + pageSize)
    yield { page: { position, snapshot: first === 0, complete: last, upserts: part, removals: [] } }
  }
}
