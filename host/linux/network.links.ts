/** Links as they are wanted and as they are: which are ours, and what is wrong with one. */
import type { Link, NamespaceName } from '../objects.ts'
import type { LinkView, NamespaceView } from './ip.view.ts'
import type { NetworkSettings } from './network.settings.ts'

/** Alias of the links that we made; the second form where checksums were moved to software. */
export const alias = 'nucleon'
export const softAlias = 'nucleon:checksum-in-software'
export const outerAlias = 'nucleon:outer'

/** A link that is there as an object; what it has to do with another end is judged by linkFaults. */
export function linkObject(namespace: NamespaceName, link: LinkView): Link {
  return {
    kind: 'link',
    namespace,
    name: link.name,
    type: link.type === 'dummy' ? 'dummy' : 'veth',
    mac: link.mac,
    mtu: link.mtu,
    up: link.up,
    checksumInSoftware: link.alias === softAlias,
  }
}

/** What matters of an outer end, for comparison. */
export const stateOf = (end: LinkView | undefined): string =>
  end ? `${end.index} ${end.peerIndex} ${end.up} ${end.mtu} ${end.alias}` : ''

/** What is wrong with a link; 'broken' when it must be made anew. */
export function linkFaults(
  object: Link,
  views: ReadonlyMap<NamespaceName, NamespaceView>,
  settings: NetworkSettings,
): string[] {
  const inner = views.get(object.namespace)?.links.get(object.name)
  if (!inner) return ['missing']
  const faults: string[] = []
  if (inner.type !== object.type) faults.push('broken')
  if (object.mac !== undefined && inner.mac !== object.mac.toLowerCase()) faults.push('mac')
  if (object.mtu !== undefined && inner.mtu !== object.mtu) faults.push('mtu')
  if (inner.up !== object.up) faults.push('state')
  if (inner.alias !== (object.checksumInSoftware ? softAlias : alias)) faults.push('alias')
  const offload = settings.offload(object.namespace, object.name)
  if (object.checksumInSoftware && offload === true) faults.push('checksum')
  if (!object.peer) return faults
  const outer = views.get(object.peer.namespace)?.links.get(object.peer.name)
  if (!outer || outer.index !== inner.peerIndex || outer.peerIndex !== inner.index) faults.push('broken')
  else {
    if (object.mtu !== undefined && outer.mtu !== object.mtu) faults.push('mtu')
    if (!outer.up) faults.push('state')
  }
  return faults
}
