/**
 * A facility of the host (its network configuration, its switch, its files …): it says what is there and changes
 * it. What is wanted, what differs, retries and reports are the keeper's (keeper.ts), the same for all.
 */
import type { HostObject, Kind } from './objects.ts'

/** A thing seen on the host. `ident` is objectKey() of its concrete form. */
export interface Observed {
  ident: string
  object: HostObject
  /** True when Nucleon made it, so that it may be removed once nobody wants it. */
  ours: boolean
  /** Changes when the thing is made anew under the same name (an inode, an interface index). */
  generation?: string
  /** What else a verdict depends on; a change of it is a change of the thing. */
  detail?: string
}

/** What a look at a scope has found. */
export interface Look {
  /** True: what is not in `found` is not there. False: only `found` and `gone` are new. */
  complete: boolean
  found: Observed[]
  gone?: string[]
}

/** `pending`: on its way, nothing to do but wait. */
export type Verdict = 'settled' | 'differs' | 'pending'

export interface Change {
  ident: string
  /** What is there now, and what shall be; `wanted` undefined means: remove it. */
  observed: Observed | undefined
  wanted: HostObject | undefined
}

export interface FacilityEvents {
  /** A scope has changed, or may have. */
  changed(scope: string): void
  /** The symbols in these wanted objects (keys) stand for something else now. */
  resolved(keys: Iterable<string>): void
  /** What these wanted objects (keys) are about was made anew: that it lacks them is no drift. */
  renewed(keys: Iterable<string>): void
}

export interface Facility {
  readonly name: string
  readonly kinds: readonly Kind[]
  /** True: what goes away is removed in the same batch as what comes, not after all else. */
  readonly removesAtOnce: boolean
  /** Where an object is looked at. Everything of one scope is observed by one look. */
  scopeOf(object: HostObject): string
  /** Starts the sources of events; answers the scopes in which something of ours may lie. */
  start(events: FacilityEvents): Promise<string[]>
  /** A wanted object has come, changed or (undefined) gone. */
  wanted?(key: string, object: HostObject | undefined, before: HostObject | undefined): void
  /** The concrete form of a wanted object, or undefined while a symbol in it has no value. */
  resolve?(key: string, object: HostObject): HostObject | undefined
  observe(scope: string): Promise<Look>
  /** Looks again at just what was changed, by scope; without it their whole scopes are looked at. */
  review?(changes: readonly Change[]): Promise<Map<string, Look>>
  verdict(observed: Observed | undefined, wanted: HostObject): Verdict
  /** True for what is not to be removed now, though ours and wanted by nobody. */
  spares?(observed: Observed): boolean
  /** Makes or removes; answers what failed, by ident, and why. Called again for what has not come about. */
  apply(changes: readonly Change[]): Promise<Map<string, string>>
  /** Scopes worth a slow audit; all that were seen unless given. */
  auditScopes?(): Iterable<string>
  stop(): Promise<void>
}
