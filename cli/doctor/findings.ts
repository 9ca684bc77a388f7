/** What `doctor` looks at. Every look is harmless: nothing is loaded, started or changed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findOvs } from '../../host/ovs/daemons.ts'
import { run } from '../../host/run.ts'
import { parseCidr } from '../../lib/addresses.ts'
import { mistakeOf } from '../errors.ts'
import { requireFreePort, runningIn } from '../state/control.ts'
import { layoutOf, readMemory } from '../state/layout.ts'
import { vsctl } from '../up/bridges.ts'
import { publicCidr } from '../up/texts.ts'

/** `missing` and `clash` keep Nucleon, or a part of it, from working here; `note` is worth knowing. */
export type Level = 'ok' | 'note' | 'clash' | 'missing'

export interface Finding {
  level: Level
  subject: string
  text: string
  /** What to do about it. */
  advice?: string
}

type Look = (state: string) => Promise<Finding[]> | Finding[]

const one = (level: Level, subject: string, text: string, advice?: string): Finding[] => [
  { level, subject, text, ...(advice === undefined ? {} : { advice }) },
]

/** Command -> the Debian package that has it. */
const programs = {
  'ovs-vswitchd': 'openvswitch-switch',
  dnsmasq: 'dnsmasq-base',
  dhcp_release: 'dnsmasq-utils',
  ip: 'iproute2',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ethtool: 'ethtool',
  udhcpc: 'udhcpc',
  ping: 'iputils-ping',
  perl: 'perl-base',
}

function isInstalled(program: string): boolean {
  const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  return path.split(delimiter).some((directory) => existsSync(join(directory, program)))
}

const lookAtRoot: Look = () =>
  process.getuid?.() === 0
    ? one('ok', 'root', 'yes')
    : one(
        'missing',
        'root',
        'no: agents and instances need it',
        'Run with sudo. A server alone runs without.',
      )

const lookAtPrograms: Look = () => {
  const missing = Object.entries(programs).filter(([program]) => !isInstalled(program))
  if (missing.length === 0) return one('ok', 'programs', Object.keys(programs).join(', '))
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  const names = missing.map(([program]) => program).join(', ')
  return one(
    'missing',
    'programs',
    `not found: ${names}`,
    `apt-get install ${packages}   (nucleon up does it by itself)`,
  )
}

const lookAtNamespaces: Look = async () => {
  if (!existsSync('/proc/self/ns/net')) return one('missing', 'network namespaces', 'not in this kernel')
  if (process.getuid?.() !== 0)
    return one('note', 'network namespaces', 'in this kernel; not tried without root')
  const tried = await run(['unshare', '--net', '--mount', 'true']).then(
    () => true,
    () => false,
  )
  return tried
    ? one('ok', 'network namespaces', 'yes')
    : one(
        'missing',
        'network namespaces',
        'refused',
        'In a container: run it privileged (CAP_SYS_ADMIN, CAP_NET_ADMIN).',
      )
}

const lookAtOvs: Look = async () => {
  const running = await findOvs()
  const found = running
    ? one('ok', 'Open vSwitch', `runs in ${running.ovsRunDir}; it is used`)
    : one('ok', 'Open vSwitch', 'does not run; nucleon up starts one of its own')
  const module = existsSync('/sys/module/openvswitch') || kernelHas('openvswitch')
  const datapath = module
    ? one('ok', 'datapath', 'kernel (system)')
    : one(
        'note',
        'datapath',
        'userspace (netdev): this kernel has no openvswitch module',
        'It works, and is slower.',
      )
  return [...found, ...datapath]
}

/** True if the running kernel has that module, loaded or not. */
function kernelHas(module: string): boolean {
  try {
    const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
    const directory = `/lib/modules/${release}`
    return ['modules.dep', 'modules.builtin'].some((file) =>
      readFileSync(join(directory, file), 'utf8').includes(`/${module}.ko`),
    )
  } catch {
    return false
  }
}

const lookAtModules: Look = () => {
  const wanted = {
    '8021q': 'VLAN interfaces',
    vxlan: 'kernel VXLAN',
    br_netfilter: 'iptables on Linux bridges',
  }
  const absent = Object.entries(wanted).filter(
    ([name]) => !existsSync(`/sys/module/${name}`) && !kernelHas(name),
  )
  return absent.length === 0
    ? one('ok', 'kernel modules', Object.keys(wanted).join(', '))
    : one('note', 'kernel modules', `not seen: ${absent.map(([name, use]) => `${name} (${use})`).join(', ')}`)
}

const lookAtDocker: Look = async () => {
  if (process.getuid?.() !== 0 || !isInstalled('iptables')) return []
  const policy = await run(['iptables', '-w', '-S', 'FORWARD']).catch(() => '')
  return policy.includes('-P FORWARD DROP')
    ? one(
        'note',
        'forwarding',
        'the FORWARD chain drops by default (Docker does this)',
        'nucleon up --uplink nat adds rules that let br-ex through.',
      )
    : []
}

const lookAtBridgeFilter: Look = () => {
  const file = '/proc/sys/net/bridge/bridge-nf-call-iptables'
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '1'
    ? one(
        'note',
        'br_netfilter',
        'iptables sees what Linux bridges forward; this concerns the Linux bridge agent alone',
      )
    : []
}

/** What runs here: pid and words of the command line. */
function commands(): { pid: string; words: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid, words: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') }]
      } catch {
        return []
      }
    })
}

/** dnsmasq of others (libvirt) answers on bridges of its own. */
const lookAtDnsmasq: Look = () => {
  const others = commands().filter(
    ({ words }) => words[0]?.endsWith('dnsmasq') === true && words.some((word) => word.includes('libvirt')),
  )
  return others.length === 0
    ? []
    : one(
        'note',
        'libvirt',
        `its dnsmasq runs (process ${others.map(({ pid }) => pid).join(', ')}); ours live in namespaces of their own`,
        'Plug no instance into both a bridge of libvirt and a network here: two servers would answer it.',
      )
}

const lookAtBridges: Look = async (state) => {
  const running = await findOvs()
  if (running === undefined) return []
  const bridges = (await vsctl(running.ovsdb, ['list-br'])).split('\n').filter(Boolean)
  const root = layoutOf(state).root
  const found: Finding[] = []
  for (const name of ['br-ex', 'br-physnet1'].filter((each) => bridges.includes(each))) {
    const owner = await vsctl(running.ovsdb, [
      '--if-exists',
      'get',
      'Bridge',
      name,
      'external_ids:nucleon-up',
    ])
    if (owner.includes(root)) continue
    const ports = (await vsctl(running.ovsdb, ['list-ports', name])).split('\n').filter(Boolean)
    const cards = ports.filter((port) => existsSync(`/sys/class/net/${port}/device`))
    found.push(
      ...one(
        'note',
        name,
        `is there already and of somebody else${ports.length > 0 ? ` (with ${ports.join(', ')})` : ''}: it is used as it ` +
          'is, and never removed',
        cards.length > 0
          ? `Instances on the network public reach what is behind ${cards.join(', ')}: give it a subnet that fits.`
          : undefined,
      ),
    )
  }
  return found
}

/** Agents of Neutron itself would take Nucleon's flows and ports for leftovers, and the other way round. */
const lookAtNeutron: Look = () => {
  const agents = commands().filter(({ words }) =>
    words.slice(0, 2).some((word) => /(^|\/)neutron-(openvswitch|linuxbridge|dhcp|l3)-agent$/.test(word)),
  )
  return agents.length === 0
    ? []
    : one(
        'clash',
        'Neutron',
        `its agents run here (process ${agents.map(({ pid }) => pid).join(', ')}), on the same bridges and namespaces`,
        'Stop them first, or run Nucleon in a network namespace of its own.',
      )
}

/** Where the host's own address on br-ex would lie. */
const lookAtAddresses: Look = async () => {
  const text = await run(['ip', '-json', '-4', 'route', 'show', 'table', 'main']).catch(() => '[]')
  const routes = JSON.parse(text || '[]') as { dst: string; dev?: string }[]
  const own = parseCidr(publicCidr)
  const taken = routes.filter(({ dst, dev }) => {
    const cidr =
      dev === 'br-ex' || dst === 'default' ? undefined : parseCidr(dst.includes('/') ? dst : `${dst}/32`)
    return own !== undefined && cidr !== undefined && cidr.first <= own.last && own.first <= cidr.last
  })
  return taken.length === 0
    ? []
    : one(
        'clash',
        'addresses',
        `${publicCidr}, which br-ex gets, is reached by ${taken.map(({ dst, dev }) => `${dst} on ${dev}`).join(', ')}`,
        'Move one of them: what is behind the other cannot be reached while nucleon up runs.',
      )
}

const lookAtState: Look = async (state) => {
  const layout = layoutOf(state)
  const running = await runningIn(layout)
  if (running !== undefined) return one('ok', 'all-in-one', `runs in ${layout.root} (process ${running.pid})`)
  const left = readMemory(layout)
  const found =
    left === undefined
      ? one('ok', 'all-in-one', `none in ${layout.root}`)
      : one(
          'note',
          'all-in-one',
          `stopped in ${layout.root}`,
          `nucleon up starts it again, nucleon down removes it.`,
        )
  for (const [port, option] of [
    [9696, '--api-port'],
    [5000, '--identity-port'],
  ] as const) {
    const free = await requireFreePort(port, option).then(
      () => true,
      () => false,
    )
    if (!free) found.push(...one('note', `port ${port}`, 'is in use', `nucleon up ${option} PORT`))
  }
  return found
}

/** By what each is about. */
const looks: Readonly<Record<string, Look>> = {
  root: lookAtRoot,
  programs: lookAtPrograms,
  'network namespaces': lookAtNamespaces,
  'Open vSwitch': lookAtOvs,
  'kernel modules': lookAtModules,
  bridges: lookAtBridges,
  forwarding: lookAtDocker,
  br_netfilter: lookAtBridgeFilter,
  libvirt: lookAtDnsmasq,
  Neutron: lookAtNeutron,
  addresses: lookAtAddresses,
  'all-in-one': lookAtState,
}

/**
 * What all looks find, always in one order; one that fails is a finding itself. `state` is the directory that `up` is
 * going to use.
 */
export async function findings(state: string): Promise<Finding[]> {
  const found: Finding[] = []
  for (const [subject, look] of Object.entries(looks)) {
    try {
      found.push(...(await look(state)))
    } catch (error) {
      const { message, hint } = mistakeOf(error) ?? { message: String(error), hint: undefined }
      found.push(...one('note', subject, `not looked at: ${message}`, hint))
    }
  }
  return found
}
