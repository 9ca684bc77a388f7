/** One network namespace as `ip -json -details` shows it. Pure. */

export interface LinkView {
  index: number
  name: string
  mac: string
  mtu: number
  up: boolean
  alias: string
  /** `veth`, `dummy`, …; '' for a physical device. */
  type: string
  /** Index of the other end of a veth, in the other end's namespace. */
  peerIndex: number | undefined
}

export interface AddressView {
  link: string
  cidr: string
}

export interface RouteView {
  destination: string
  family: 4 | 6
  via: string | null
  link: string
  protocol: string
}

export interface NamespaceView {
  links: Map<string, LinkView>
  /** Permanent ones of global scope. */
  addresses: AddressView[]
  /** Those of table main. */
  routes: RouteView[]
}

/** What `ip -json -details -batch` is asked; its answer is two JSON lines. */
export const viewCommands = 'address show\nroute show table all\n'

interface IpLink {
  ifindex: number
  ifname: string
  link_index?: number
  address?: string
  mtu: number
  flags: string[]
  ifalias?: string
  linkinfo?: { info_kind?: string }
  addr_info?: { local?: string; prefixlen?: number; scope?: string; dynamic?: boolean }[]
}

interface IpRoute {
  type?: string
  dst: string
  gateway?: string
  dev?: string
  table?: string
  protocol?: string
  via?: { host: string }
}

/** Reads the answer to viewCommands. Throws SyntaxError when it is none. */
export function parseView(text: string): NamespaceView {
  const [linkText = '[]', routeText = '[]'] = text.split('\n').filter((line) => line.trim() !== '')
  const view: NamespaceView = { links: new Map(), addresses: [], routes: [] }
  for (const link of JSON.parse(linkText) as IpLink[]) {
    if (link.ifname === undefined) continue
    view.links.set(link.ifname, {
      index: link.ifindex,
      name: link.ifname,
      mac: link.address ?? '',
      mtu: link.mtu,
      up: link.flags.includes('UP'),
      alias: link.ifalias ?? '',
      type: link.linkinfo?.info_kind ?? '',
      peerIndex: link.link_index,
    })
    for (const address of link.addr_info ?? []) {
      if (address.local === undefined || address.scope !== 'global' || address.dynamic) continue
      view.addresses.push({ link: link.ifname, cidr: `${address.local}/${address.prefixlen}` })
    }
  }
  for (const route of JSON.parse(routeText) as IpRoute[]) {
    if (
      route.dev === undefined ||
      (route.table ?? 'main') !== 'main' ||
      (route.type ?? 'unicast') !== 'unicast'
    )
      continue
    const via = route.gateway ?? route.via?.host ?? null
    const family = route.dst.includes(':') || via?.includes(':') ? 6 : 4
    view.routes.push({
      destination: withPrefix(route.dst),
      family,
      via,
      link: route.dev,
      protocol: route.protocol ?? '',
    })
  }
  return view
}

/** A destination with its prefix length: `ip` leaves out that of a single address. */
export function withPrefix(destination: string): string {
  if (destination === 'default' || destination.includes('/')) return destination
  return `${destination}/${destination.includes(':') ? 128 : 32}`
}
