/** Giving up root, for good: before any file is opened or any port is bound. */

export interface UserIds {
  uid: number
  gid: number
}

/** `UID:GID`, both numbers above 0. Throws otherwise. */
export function parseUser(text: string): UserIds {
  const [, uid, gid] = /^(\d{1,9}):(\d{1,9})$/.exec(text) ?? []
  if (uid === undefined || gid === undefined || Number(uid) === 0 || Number(gid) === 0) {
    throw new Error(`${text} is no user: expected UID:GID, numbers above 0`)
  }
  return { uid: Number(uid), gid: Number(gid) }
}

/** Becomes that user, with its one group. Nothing to do for whoever is it already; throws for any other non-root. */
export function dropPrivileges({ uid, gid }: UserIds): void {
  if (process.getuid?.() === uid && process.getgid?.() === gid) return
  // Groups first: without root they can no longer be set.
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getegid?.() !== gid) {
    throw new Error(`could not become user ${uid}:${gid}`)
  }
}
