/**
 * Files in which a running DHCP server keeps its leases. Their content is the server's: one that was removed, put in
 * the place of another, or written by anybody else is given back what the server has written.
 */
import type { BigIntStats } from 'node:fs'
import { lstat, open, readdir, readFile, readlink, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observed } from '../facility.ts'
import { type LeaseFile, objectKey } from '../objects.ts'
import { isLeaseText } from './leases.file.ts'

export interface LeaseFiles {
  /** `detail` is not empty when somebody else has had a hand in it. */
  look(file: LeaseFile): Promise<Observed | undefined>
  /** Makes the file, with what the server has written as far as that is known. */
  make(file: LeaseFile): Promise<void>
  forget(path: string): void
}

interface Known {
  inode: bigint
  stamp: string
  text: string
  pid: number | undefined
  activity: Activity | undefined
}

/** What a process has done so far; equal at two moments: nothing in between. */
interface Activity {
  /** Bytes written. */
  written: string
  /** Nanoseconds run. */
  ran: string
}

/** Milliseconds after which a server that was seen between cutting and writing its file has written it. */
const halfWritten = 100

/** `pidOf`: of the running process of that id. `initial`: what a file holds of which nothing is known. */
export function createLeaseFiles(
  pidOf: (process: string) => number | undefined,
  initial: (process: string) => string,
): LeaseFiles {
  const files = new Map<string, Known>()

  async function look(file: LeaseFile): Promise<Observed | undefined> {
    const before = files.get(file.path)
    // What the process has done is read before the file: never is its own writing taken for another's.
    const now = await read(file)
    if (!now) return undefined
    let detail = ''
    if (before?.inode !== now.inode) {
      if (now.pid !== undefined && !(await holds(now.pid, now.inode))) detail = 'another file'
    } else if (before.text !== now.text && isAnothers(before, now)) {
      await sleep(halfWritten)
      const later = await read(file)
      if (later && isAnothers(before, later) && before.text !== later.text) detail = 'written by another'
    }
    if (detail === '') files.set(file.path, now)
    return { ident: objectKey(file), object: file, ours: true, generation: String(now.inode), detail }
  }

  async function read({ path, process }: LeaseFile): Promise<Known | undefined> {
    const pid = pidOf(process)
    const activity = pid === undefined ? undefined : await activityOf(pid)
    const found = await lstat(path, { bigint: true }).catch(() => undefined)
    if (!found?.isFile()) return undefined
    const stamp = stampOf(found)
    const before = files.get(path)
    const text = before?.stamp === stamp ? before.text : await readFile(path, 'utf8').catch(() => '')
    return { inode: found.ino, stamp, text, pid, activity }
  }

  /** What a process had written when its file was taken away. */
  async function kept(pid: number, path: string): Promise<string | undefined> {
    for (const fd of await descriptors(pid)) {
      if ((await readlink(fd).catch(() => '')) === `${path} (deleted)`)
        return readFile(fd, 'utf8').catch(() => undefined)
    }
    return undefined
  }

  return {
    look,
    async make(file) {
      const pid = pidOf(file.process)
      const before = files.get(file.path)
      const inode = await lstat(file.path, { bigint: true }).then(
        (found) => found.ino,
        () => undefined,
      )
      if (before !== undefined && inode === before.inode) {
        // The server goes on with this very file.
        await overwrite(file.path, before.text)
      } else {
        const text =
          (pid === undefined ? undefined : await kept(pid, file.path)) ??
          before?.text ??
          initial(file.process)
        const beside = join(dirname(file.path), `.${basename(file.path)}.new`)
        await writeFile(beside, text, { mode: 0o644 })
        await rename(beside, file.path)
      }
      const now = await read(file)
      if (now) files.set(file.path, now)
    },
    forget: (path) => void files.delete(path),
  }
}

const stampOf = (found: BigIntStats): string => `${found.ino} ${found.mtimeNs} ${found.ctimeNs} ${found.size}`

/** True when the process cannot have written what has changed. */
function isAnothers(before: Known, now: Known): boolean {
  if (!isLeaseText(now.text)) return true
  if (before.pid !== now.pid || !before.activity || !now.activity) return false
  if (before.activity.ran === now.activity.ran) return true
  // A file is emptied without a byte being written.
  return before.activity.written === now.activity.written && now.text !== ''
}

/** Undefined where this kernel does not keep account of it. */
async function activityOf(pid: number): Promise<Activity | undefined> {
  try {
    const [io, times] = await Promise.all([
      readFile(`/proc/${pid}/io`, 'utf8'),
      readFile(`/proc/${pid}/schedstat`, 'utf8'),
    ])
    const [, written] = /^wchar: (\d+)$/m.exec(io) ?? []
    const [ran] = times.split(' ')
    return written === undefined || ran === undefined || ran === '0' ? undefined : { written, ran }
  } catch {
    return undefined
  }
}

async function descriptors(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => [] as string[])
  return names.map((name) => `/proc/${pid}/fd/${name}`)
}

async function holds(pid: number, inode: bigint): Promise<boolean> {
  for (const fd of await descriptors(pid)) {
    const found = await stat(fd, { bigint: true }).catch(() => undefined)
    if (found?.ino === inode && found.isFile()) return true
  }
  return false
}

async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(0)
    await file.write(text, 0)
  } finally {
    await file.close()
  }
}
