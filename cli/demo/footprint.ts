/**
 * What Nucleon could leave behind on a host, as sorted lines: namespaces, links, switch ports and flows, processes,
 * firewall rules. Taken from the system's own tools, so that two of them can be compared.
 */
import { run } from '../../host/run.ts'
import { isAlive, processesWhere } from '../../runtime/process-stat.ts'
import { vsctl } from '../up/bridges.ts'

/** Programs that we or our agents start. */
const ourPrograms = ['dnsmasq', 'udhcpc', 'ovsdb-server', 'ovs-vswitchd']

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function processes(): string[] {
  return processesWhere((one) => ourPrograms.includes(one.program) && isAlive(one)).map(
    ({ program, pid }) => `process ${program} ${pid}`,
  )
}

/** Flows without their counters and cookies; those that br-tun learns come and go by themselves. */
async function flowsOf(bridge: string, ovsRunDir: string): Promise<string[]> {
  const text = await run([
    'ovs-ofctl',
    '-O',
    'OpenFlow13',
    '--no-stats',
    'dump-flows',
    `unix:${ovsRunDir}/${bridge}.mgmt`,
  ])
  return linesOf(text)
    .filter((line) => line.includes('actions='))
    .map((line) => line.replace(/cookie=\w+, ?/, ''))
    .filter((line) => !(bridge === 'br-tun' && line.startsWith('table=20,')))
    .map((line) => `flow ${bridge} ${line}`)
}

/** `ovs` null: no switch is asked. */
export async function footprint(ovs: { ovsdb: string; ovsRunDir: string } | null): Promise<string[]> {
  const namespaces = linesOf(await run(['ip', 'netns', 'list'])).map(
    (line) => `namespace ${line.split(' ')[0]}`,
  )
  const links: { ifname: string }[] = JSON.parse((await run(['ip', '-json', 'link', 'show'])) || '[]')
  const rules = linesOf(await run(['iptables', '-w', '-S']).catch(() => '')).filter((line) =>
    line.includes('nucleon'),
  )
  const switched: string[] = []
  if (ovs !== null) {
    for (const bridge of linesOf(await vsctl(ovs.ovsdb, ['list-br']))) {
      switched.push(`bridge ${bridge}`)
      for (const port of linesOf(await vsctl(ovs.ovsdb, ['list-ports', bridge]))) {
        switched.push(`port ${bridge} ${port}`)
      }
      switched.push(...(await flowsOf(bridge, ovs.ovsRunDir)))
    }
  }
  return [
    ...namespaces,
    ...links.map((link) => `link ${link.ifname}`),
    ...rules.map((rule) => `rule ${rule}`),
    ...switched,
    ...processes(),
  ].sort()
}

/** What is in one and not in the other: `+` came, `-` went. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
  ]
}
