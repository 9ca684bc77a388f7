/**
 * Files and directories that we own. Files are written beside and renamed; a directory of ours holds what is wanted
 * and what running programs were told to keep there, nothing else. A scope is a directory; inotify tells what others
 * do in it, by name.
 */
import { type FSWatcher, mkdirSync, readdirSync, rmSync, unlinkSync, watch, writeFileSync } from 'node:fs'
import { chmod, link, lstat, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Change, Facility, FacilityEvents, Look, Observed } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Ledger } from '../ledger.ts'
import type { Log } from '../log.ts'
import { type File, type HostObject, type LeaseFile, objectKey, type Process } from '../objects.ts'
import { createLeaseFiles } from './lease.file.ts'
import type { SignalOutcome } from './processes.facility.ts'

export interface FilesOptions {
  runDir: string
  ledger: Ledger
  signal(process: string, signal: NodeJS.Signals): SignalOutcome
  /** True for a process that has just been started, and would be signalled later. */
  isYoung(process: string): boolean
  /** The processes that are wanted: the paths in their arguments are theirs. */
  processes(): Iterable<Process>
  /** The pid of a process that runs. */
  pidOf(process: string): number | undefined
  /** What a lease file holds that is made for the first time. */
  initialLeases(process: string): string
  log: Log
}

/**
 * Files of one process in one batch that it may see one by one. At each name that is written, moved in or unlinked in
 * its directories dnsmasq compares all its leases with all clients: more files are linked and moved out, which it does
 * not notice, and told by one signal.
 */
const seenSingly = 8
/** Milliseconds: one look follows a burst of events, our own writes among them. */
const burst = 50
/** The name under which a file is written before it takes its place. */
const besideOf = (path: string): string => join(dirname(path), `.${basename(path)}.new`)
/** The name that a file has while another takes its place. */
const hiddenOf = (path: string): string => besideOf(`${path}.old`)
const isBeside = (name: string): boolean => name.startsWith('.') && name.endsWith('.new')

/** Bytes: larger files are read only when they are wanted. */
const largestRead = 1 << 20

type Happening = 'create' | 'update' | 'remove'

/** What was read of a file, so that an unchanged one is not read again. */
interface Remembered {
  stamp: string
  content: string
}

export interface FilesFacility extends Facility {
  /** A process has begun: what it had done is known anew, so its lease files are looked at. */
  begun(process: string): void
}

/** `start` delivers the signals that an earlier agent has left owing, if their processes run by then. */
export function createFilesFacility(options: FilesOptions): FilesFacility {
  const { ledger } = options
  const noticeDir = join(options.runDir, 'notices')
  const wanted = new Map<string, HostObject>()
  /** How many wanted objects are below each directory. */
  const wantedBelow = new Map<string, number>()
  /** Path of the lease file of a process. */
  const leasesOf = new Map<string, string>()
  const remembered = new Map<string, Remembered>()
  const timers = new Set<NodeJS.Timeout>()
  const leaseFiles = createLeaseFiles(options.pidOf, options.initialLeases)
  const watches = new Map<string, Watch>()
  let events: FacilityEvents | undefined
  let stopped = false

  const isOwned = (directory: string): boolean => ledger.has(`directory ${directory}`)

  /** True for a path that an argument of a process names: its own, whoever wrote it. */
  function isOfProcess(path: string): boolean {
    const value = `=${path}`
    for (const process of options.processes())
      for (const arg of process.argv) if (arg === path || arg.endsWith(value)) return true
    return false
  }

  // Events

  /** Watches a directory that is there; what happens in it from now on is told. */
  function follow(directory: string, inode: bigint): void {
    const before = watches.get(directory)
    if (before?.inode === inode || stopped) return
    before?.watcher?.close()
    const entry: Watch = { inode, watcher: undefined, named: new Set(), all: false, timer: undefined }
    watches.set(directory, entry)
    try {
      entry.watcher = watch(directory, (_, name) => {
        if (watches.get(directory) === entry) heard(directory, entry, name)
      })
      entry.watcher.on('error', () => unfollow(directory))
    } catch (error) {
      options.log.warn(
        { directory, reason: reasonOf(error) },
        'cannot be watched: its drift is found by the audit',
      )
    }
  }

  function unfollow(directory: string): void {
    const entry = watches.get(directory)
    entry?.watcher?.close()
    clearTimeout(entry?.timer)
    watches.delete(directory)
  }

  function heard(directory: string, entry: Watch, name: string | null): void {
    // What becomes of the directory itself is told under its own name.
    if (name === null || name === basename(directory)) entry.all = true
    else if (isBeside(name)) return
    else if (isOwned(directory) || wanted.has(`file ${join(directory, name)}`)) entry.named.add(name)
    else return
    entry.timer ??= setTimeout(() => {
      entry.timer = undefined
      events?.changed(directory)
    }, burst)
  }

  // Looking

  async function observe(directory: string): Promise<Look> {
    const entry = watches.get(directory)
    const names = entry === undefined || entry.all ? new Set<string>() : new Set(entry.named)
    entry?.named.clear()
    if (names.size === 0) return observeAll(directory)
    // Others than those named have not changed.
    const look: Look & { gone: string[] } = { complete: false, found: [], gone: [] }
    await eachOf([...names], 16, async (name) => {
      const path = join(directory, name)
      const seen = await lookAt(path, isOwned(directory))
      for (const kind of ['file', 'lease-file', 'directory']) {
        const ident = `${kind} ${path}`
        if (seen?.ident !== ident && (kind !== 'directory' || !isScope(path))) look.gone.push(ident)
      }
      if (seen) look.found.push(seen)
    })
    return look
  }

  /** A directory that is wanted or known as ours is seen in its own scope. */
  const isScope = (path: string): boolean =>
    wanted.has(`directory ${path}`) || isOwned(path) || wantedBelow.has(path)

  /** Whatever of ours is at that path, unless a program keeps it for itself. */
  async function lookAt(path: string, ownedHere: boolean): Promise<Observed | undefined> {
    const leases = wanted.get(`lease-file ${path}`)
    if (leases?.kind === 'lease-file') return leaseFiles.look(leases)
    const seen = await look(path, ownedHere)
    return seen && (wanted.has(seen.ident) || !ownedHere || !isOfProcess(path)) ? seen : undefined
  }

  async function observeAll(directory: string): Promise<{ complete: true; found: Observed[] }> {
    const found: Observed[] = []
    const stat = await lstat(directory, { bigint: true }).catch(() => undefined)
    if (!stat?.isDirectory()) {
      unfollow(directory)
      return { complete: true, found }
    }
    const known = watches.get(directory)
    if (known) known.all = false
    follow(directory, stat.ino)
    const ownedHere = isOwned(directory)
    const key = `directory ${directory}`
    if (ownedHere || wanted.has(key)) {
      found.push({
        ident: key,
        object: { kind: 'directory', path: directory, mode: Number(stat.mode) & 0o7777 },
        ours: ownedHere,
        generation: String(stat.ino),
      })
    }
    const paths = ownedHere
      ? (await readdir(directory)).map((name) => join(directory, name))
      : [...wanted.values()].flatMap((object) =>
          isFile(object) && dirname(object.path) === directory ? [object.path] : [],
        )
    await eachOf(paths, 16, async (path) => {
      const seen = await lookAt(path, ownedHere)
      if (seen) found.push(seen)
    })
    return { complete: true, found }
  }

  async function look(path: string, ownedHere: boolean): Promise<Observed | undefined> {
    const stat = await lstat(path, { bigint: true }).catch(() => undefined)
    if (!stat) return undefined
    if (stat.isDirectory()) {
      if (isScope(path)) return undefined
      const object: HostObject = { kind: 'directory', path, mode: Number(stat.mode) & 0o7777 }
      return { ident: objectKey(object), object, ours: true }
    }
    const key = `file ${path}`
    const mode = Number(stat.mode) & 0o7777
    let content = ''
    if (stat.isFile() && (wanted.has(key) || stat.size <= largestRead)) {
      const stamp = `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`
      const known = remembered.get(path)
      content = known?.stamp === stamp ? known.content : await readFile(path, 'utf8')
      remembered.set(path, { stamp, content })
    }
    const object: HostObject = { kind: 'file', path, content, mode }
    return { ident: key, object, ours: ownedHere || ledger.has(key) }
  }

  async function review(changes: readonly Change[]): Promise<Map<string, Look>> {
    const looks = new Map<string, Look & { gone: string[] }>()
    for (const change of changes) {
      const object = change.wanted ?? change.observed?.object
      if (object?.kind === 'directory')
        looks.set(object.path, { ...(await observeAll(object.path)), gone: [] })
    }
    await eachOf(changes, 16, async (change) => {
      const object = change.wanted ?? change.observed?.object
      if (!object || !isFile(object)) return
      const directory = dirname(object.path)
      const found = looks.get(directory) ?? { complete: false, found: [], gone: [] }
      looks.set(directory, found)
      if (found.complete) return
      const seen = await lookAt(object.path, isOwned(directory))
      if (seen) found.found.push(seen)
      if (seen?.ident !== change.ident) found.gone.push(change.ident)
    })
    return looks
  }

  /** Notes that one more object is wanted, or one less, in all directories above that path. */
  function countAbove(path: string, by: number): void {
    for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
      const count = (wantedBelow.get(directory) ?? 0) + by
      if (count > 0) wantedBelow.set(directory, count)
      else wantedBelow.delete(directory)
    }
  }

  async function make(change: Change, unseen: boolean): Promise<void> {
    const object = change.wanted
    if (object?.kind === 'directory') {
      if (!ledger.has(change.ident)) ledger.add(change.ident)
      await mkdir(object.path, { recursive: true, mode: object.mode })
      await chmod(object.path, object.mode)
    } else if (object?.kind === 'file') {
      if (!isOwned(dirname(object.path))) ledger.add(change.ident)
      const beside = besideOf(object.path)
      await writeFile(beside, object.content, { mode: object.mode })
      await chmod(beside, object.mode)
      await (unseen ? putUnseen(beside, object.path) : rename(beside, object.path))
    } else if (object?.kind === 'lease-file') await leaseFiles.make(object)
  }

  /** Puts a file in its place by a link; what was there is kept until it stands. Where links cannot be, it is moved. */
  async function putUnseen(beside: string, path: string): Promise<void> {
    await rename(path, hiddenOf(path)).catch(orIsGone)
    try {
      await link(beside, path)
      await unlink(beside)
    } catch {
      await rename(beside, path)
    }
    await unlink(hiddenOf(path)).catch(orIsGone)
  }

  /** Removes a file from under a name that nobody looks at. */
  async function hide(path: string): Promise<void> {
    await rename(path, hiddenOf(path)).catch(orIsGone)
    await unlink(hiddenOf(path)).catch(orIsGone)
  }

  /** An agent that died between hiding a file and putting another there has left nothing under its name. */
  async function uncover(directory: string): Promise<void> {
    const names = new Set(await readdir(directory).catch(() => [] as string[]))
    for (const name of names) {
      const [, shown] = /^\.(.+)\.old\.new$/.exec(name) ?? []
      if (shown !== undefined && !names.has(shown))
        await rename(join(directory, name), join(directory, shown))
    }
  }

  async function remove(change: Change, unseen: boolean): Promise<void> {
    const object = change.observed?.object
    if (object?.kind === 'directory') await rm(object.path, { recursive: true, force: true })
    if (object && isFile(object)) {
      remembered.delete(object.path)
      leaseFiles.forget(object.path)
      await (unseen ? hide(object.path) : unlink(object.path).catch(orIsGone))
    }
    ledger.strike(change.ident)
  }

  /** What was wanted of files that are not wanted any more: whom to tell of their removal. */
  const departed = new Map<string, NonNullable<File['notify']>>()

  function notifyOf(change: Change): File['notify'] {
    const object = change.wanted ?? change.observed?.object
    if (object?.kind !== 'file') return undefined
    return change.wanted ? object.notify : (departed.get(change.ident) ?? notifyOfSiblings(object.path))
  }

  /** A file left by an agent before us was like those beside it. */
  function notifyOfSiblings(path: string): File['notify'] {
    for (const object of wanted.values()) {
      if (object.kind === 'file' && object.notify && dirname(object.path) === dirname(path))
        return object.notify
    }
    return undefined
  }

  const noticePath = (process: string): string => join(noticeDir, encodeURIComponent(process))

  /** Delivers a signal that is owed; its notice is taken down once it is sent, or nobody is there to hear it. */
  function deliver(process: string, signal: NodeJS.Signals): void {
    if (options.signal(process, signal) !== 'later') {
      try {
        unlinkSync(noticePath(process))
      } catch {
        // It was delivered before.
      }
      return
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!stopped) deliver(process, signal)
    }, 100)
    timers.add(timer)
  }

  async function apply(changes: readonly Change[]): Promise<Map<string, string>> {
    const failures = new Map<string, string>()
    const notifies = new Map(changes.map((change) => [change, notifyOf(change)]))
    const ofProcess = Map.groupBy(changes, (change) => notifies.get(change)?.process)
    const isUnseen = (change: Change): boolean => {
      const process = notifies.get(change)?.process
      if (process === undefined || (ofProcess.get(process)?.length ?? 0) <= seenSingly) return false
      // To one that cannot be signalled yet they would be unknown for a while, and counted as known.
      return !options.isYoung(process)
    }
    const owed = new Map<string, NodeJS.Signals>()
    for (const [change, notify] of notifies) {
      if (notify && (isUnseen(change) || notify.on.includes(happeningOf(change))))
        owed.set(notify.process, notify.signal)
    }
    // A notice is put up before the first write: the next agent delivers what this one could not.
    const unnoted = new Map<string, unknown>()
    for (const [process, signal] of owed) {
      try {
        writeFileSync(noticePath(process), signal)
      } catch (error) {
        unnoted.set(process, error)
      }
    }
    const attempt = async (change: Change): Promise<void> => {
      try {
        const failure = unnoted.get(notifies.get(change)?.process ?? '')
        // A removal goes on without one: it makes room.
        if (failure !== undefined && change.wanted) throw failure
        await (change.wanted ? make : remove)(change, isUnseen(change))
      } catch (error) {
        failures.set(change.ident, reasonOf(error))
      }
    }
    const objectOf = (change: Change): HostObject | undefined => change.wanted ?? change.observed?.object
    for (const change of changes) if (change.wanted?.kind === 'directory') await attempt(change)
    await eachOf(
      changes.filter((change) => isFile(objectOf(change))),
      16,
      attempt,
    )
    for (const change of changes) {
      if (!change.wanted && objectOf(change)?.kind === 'directory') await attempt(change)
    }
    for (const [process, signal] of owed) deliver(process, signal)
    for (const change of changes) if (!change.wanted) departed.delete(change.ident)
    return failures
  }

  return {
    name: 'files',
    kinds: ['directory', 'file', 'lease-file'],
    // A removed entry must be gone from the daemon's view before its lease is released.
    removesAtOnce: true,
    scopeOf: (object) => {
      if (object.kind === 'directory') return object.path
      return isFile(object) ? dirname(object.path) : ''
    },
    async start(listener: FacilityEvents) {
      events = listener
      mkdirSync(noticeDir, { recursive: true })
      const scopes = new Set<string>()
      for (const key of ledger.keys()) {
        if (key.startsWith('directory ')) scopes.add(key.slice('directory '.length))
        if (key.startsWith('file ')) scopes.add(dirname(key.slice('file '.length)))
      }
      const notices = readdirSync(noticeDir)
      if (notices.length > 0) for (const directory of scopes) await uncover(directory)
      for (const name of notices) {
        const signal = await readFile(join(noticeDir, name), 'utf8')
        if (signal === 'SIGHUP') deliver(decodeURIComponent(name), signal)
        else rmSync(join(noticeDir, name))
      }
      return [...scopes]
    },
    wanted(key, object, before) {
      const subject = object ?? wanted.get(key)
      const by = Number(object !== undefined) - Number(wanted.has(key))
      if (subject && 'path' in subject && by !== 0) countAbove(subject.path, by)
      if (object) {
        wanted.set(key, object)
        departed.delete(key)
        // What was seen there before was seen as a mere file.
        if (object.kind === 'lease-file') {
          leasesOf.set(object.process, object.path)
          events?.changed(dirname(object.path))
        }
        return
      }
      wanted.delete(key)
      if (before?.kind === 'lease-file') leasesOf.delete(before.process)
      if (before?.kind === 'file' && before.notify) departed.set(key, before.notify)
    },
    observe,
    review,
    verdict(seen, object) {
      if (!seen) return 'differs'
      if (object.kind === 'directory' && seen.object.kind === 'directory') {
        return seen.ours && seen.object.mode === object.mode ? 'settled' : 'differs'
      }
      if (object.kind === 'file' && seen.object.kind === 'file') {
        const same = seen.object.content === object.content && seen.object.mode === object.mode
        return same && seen.ours ? 'settled' : 'differs'
      }
      if (object.kind === 'lease-file') return seen.detail === '' ? 'settled' : 'differs'
      return 'differs'
    },
    // What was seen before its process was wanted, as at the start of an agent, is the process's all the same.
    spares: ({ object }) => object.kind === 'file' && isOfProcess(object.path),
    apply,
    begun(process) {
      const path = leasesOf.get(process)
      if (path !== undefined) events?.changed(dirname(path))
    },
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      for (const directory of [...watches.keys()]) unfollow(directory)
    },
  }
}

/** A directory whose events are told. */
interface Watch {
  inode: bigint
  watcher: FSWatcher | undefined
  /** Names of which something was told since the last look. */
  named: Set<string>
  /** True: the directory itself has changed. */
  all: boolean
  timer: NodeJS.Timeout | undefined
}

function happeningOf(change: Change): Happening {
  if (!change.wanted) return 'remove'
  return change.observed ? 'update' : 'create'
}

function orIsGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

function isFile(object: HostObject | undefined): object is File | LeaseFile {
  return object?.kind === 'file' || object?.kind === 'lease-file'
}
