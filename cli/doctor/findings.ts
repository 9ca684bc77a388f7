/** What `doctor` looks at. Every look is harmless: nothing is loaded, started or changed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findOvs } from '../../host/ovs/daemons.ts'
import { run } from '../../host/run.ts'
import { requireFreePort, runningIn } from '../state/control.ts'
import { layoutOf, readMemory } from '../state/layout.ts'
import { vsctl } from '../up/bridges.ts'

/** `missing` keeps Nucleon from working here; `note` is worth knowing. */
export type Level = 'ok' | 'note' | 'missing'

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

/** dnsmasq of others (libvirt) that listens on every address would answer in place of ours. */
const lookAtDnsmasq: Look = () => {
  const others = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return command[0]?.endsWith('dnsmasq') && command.some((word) => word.includes('libvirt'))
          ? [pid]
          : []
      } catch {
        return []
      }
    })
  return others.length === 0
    ? []
    : one(
        'note',
        'libvirt',
        `its dnsmasq runs (process ${others.join(', ')}); ours live in namespaces of their own`,
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
    found.push(
      ...one('note', name, 'is there already and of somebody else: it is used as it is, and never removed'),
    )
  }
  return found
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

const looks: readonly Look[] = [
  lookAtRoot,
  lookAtPrograms,
  lookAtNamespaces,
  lookAtOvs,
  lookAtModules,
  lookAtBridges,
  lookAtDocker,
  lookAtBridgeFilter,
  lookAtDnsmasq,
  lookAtState,
]

export async function findings(state: string): Promise<Finding[]> {
  const found: Finding[] = []
  for (const look of looks) found.push(...(await look(state)))
  return found
}
