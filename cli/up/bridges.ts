/**
 * The physical networks of the all-in-one: br-ex (`public`, with an address of this host) and br-physnet1, and the
 * way out behind br-ex. A bridge that somebody else made is used as it is and never changed or removed; ours carry
 * the path of their state in external_ids.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { CommandError, run } from '../../host/run.ts'
import { UserError } from '../errors.ts'
import type { Memory } from '../state/layout.ts'
import { publicAddress, publicCidr } from './texts.ts'

const owner = 'nucleon-up'
const providerBridges = ['br-ex', 'br-physnet1'] as const
const forwarding = '/proc/sys/net/ipv4/ip_forward'
const comment = ['-m', 'comment', '--comment', owner]

/** The rules of `--uplink nat`: table, chain, rest. */
const natRules: readonly (readonly [string, string, readonly string[]])[] = [
  ['nat', 'POSTROUTING', ['-s', publicCidr, '!', '-o', 'br-ex', ...comment, '-j', 'MASQUERADE']],
  ['filter', 'FORWARD', ['-i', 'br-ex', ...comment, '-j', 'ACCEPT']],
  ['filter', 'FORWARD', ['-o', 'br-ex', ...comment, '-j', 'ACCEPT']],
]

export interface Switch {
  /** unix socket of ovsdb-server. */
  ovsdb: string
  /** Marks what is ours: the state directory. */
  state: string
}

/** Runs ovs-vsctl on that switch; answers what it prints. */
export function vsctl(ovsdb: string, args: readonly string[]): Promise<string> {
  return run(['ovs-vsctl', `--db=unix:${ovsdb}`, '--timeout=10', ...args])
}

/** Names of the bridges that this state made. */
async function ownBridges({ ovsdb, state }: Switch): Promise<string[]> {
  const text = await vsctl(ovsdb, [
    '--bare',
    '--columns=name',
    'find',
    'Bridge',
    `external_ids:${owner}=${JSON.stringify(state)}`,
  ])
  return text.split('\n').filter((name) => name !== '')
}

/** Makes the provider bridges where they are missing, in one transaction, and gives br-ex of ours its address. */
export async function ensureBridges(here: Switch, datapath: 'system' | 'netdev'): Promise<void> {
  const present = (await vsctl(here.ovsdb, ['list-br'])).split('\n')
  const missing = providerBridges.filter((name) => !present.includes(name))
  const transaction = missing.flatMap((name) => [
    '--',
    'add-br',
    name,
    '--',
    'set',
    'Bridge',
    name,
    `datapath_type=${datapath}`,
    `external_ids:${owner}=${JSON.stringify(here.state)}`,
  ])
  if (missing.length > 0) await vsctl(here.ovsdb, transaction.slice(1))
  const ours = await ownBridges(here)
  const lines = ours.map((name) => `link set ${name} up`)
  if (ours.includes('br-ex')) lines.push(`address replace ${publicAddress}/24 dev br-ex`)
  if (lines.length > 0) await run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

async function addRule([table, chain, rest]: (typeof natRules)[number]): Promise<void> {
  try {
    await run(['iptables', '-w', '-t', table, '-C', chain, ...rest])
  } catch (error) {
    if (!(error instanceof CommandError) || error.status !== 1) throw error
    await run(['iptables', '-w', '-t', table, '-I', chain, ...rest])
  }
}

/**
 * Gives br-ex the way out that is wanted now (none: undefined), and takes away another that it had before. `remember`
 * is told what `down` has to undo, before anything is made. Done twice it changes nothing.
 */
export async function changeUplink(
  here: Switch,
  wanted: string | undefined,
  before: Memory['uplink'],
  remember: (uplink: Memory['uplink']) => void,
): Promise<void> {
  const kept = before !== null && wanted === ('nic' in before ? before.nic : 'nat')
  if (!kept) await removeUplink(here, before)
  if (wanted === undefined) return remember(null)
  if (wanted === 'nat') {
    if (!kept) remember({ forwardingBefore: readFileSync(forwarding, 'utf8').trim() })
    for (const rule of natRules) await addRule(rule)
    writeFileSync(forwarding, '1')
  } else {
    remember({ nic: wanted })
    await vsctl(here.ovsdb, ['--may-exist', 'add-port', 'br-ex', wanted])
    await run(['ip', 'link', 'set', wanted, 'up'])
  }
}

/** Takes the way out away; what is gone already is success. */
async function removeUplink(here: Switch | null, uplink: Memory['uplink']): Promise<void> {
  if (uplink === null) return
  if ('nic' in uplink) {
    if (here !== null) await vsctl(here.ovsdb, ['--if-exists', 'del-port', 'br-ex', uplink.nic])
    return
  }
  for (const [table, chain, rest] of natRules) {
    try {
      await run(['iptables', '-w', '-t', table, '-D', chain, ...rest])
    } catch (error) {
      // Status 1: no such rule.
      if (!(error instanceof CommandError) || error.status !== 1) throw error
    }
  }
  writeFileSync(forwarding, uplink.forwardingBefore)
}

/** Refuses a card that is not there, or whose addresses would stop working on a bridge. */
export function requireUplink(uplink: string): void {
  if (uplink === 'nat') return
  const addresses = networkInterfaces()[uplink]
  const routable = addresses?.filter((each) => !each.address.startsWith('fe80:')) ?? []
  if (routable.length > 0) {
    throw new UserError(
      `${uplink} has the address ${routable[0]?.address}, which would stop working on br-ex`,
      'Use a card without addresses, or `--uplink nat`.',
    )
  }
  try {
    readFileSync(`/sys/class/net/${uplink}/ifindex`)
  } catch {
    throw new UserError(
      `there is no network card ${uplink}`,
      'See `ip -brief link` for those that there are.',
    )
  }
}

/** Undoes all of it; what is gone already is success. `here` null means that no switch runs. */
export async function removeBridges(here: Switch | null, uplink: Memory['uplink']): Promise<void> {
  await removeUplink(here, uplink)
  if (here === null) return
  const ours = await ownBridges(here)
  if (ours.length > 0) await vsctl(here.ovsdb, ours.flatMap((name) => ['--', 'del-br', name]).slice(1))
}

/** The address that tunnels of this host end at: the one that the default route leaves from, else br-ex's. */
export async function tunnelAddress(): Promise<string> {
  const routes: { dev?: string; prefsrc?: string }[] = JSON.parse(
    (await run(['ip', '-json', '-4', 'route', 'show', 'default'])) || '[]',
  )
  const [route] = routes
  const address = networkInterfaces()[route?.dev ?? '']?.find((each) => each.family === 'IPv4')?.address
  return route?.prefsrc ?? address ?? publicAddress
}
