/** Faults to plant, so that a test can see the demo fail. The agent runs with repair off then. */
import { run } from '../../host/run.ts'
import { UserError } from '../errors.ts'
import type { World } from './world.ts'

const faults: Record<string, (world: World) => Promise<void>> = {
  /** The switch forgets all that it was told. */
  async flows({ memory }) {
    await run(['ovs-ofctl', 'del-flows', `unix:${memory.ovs.ovsRunDir}/br-int.mgmt`])
  },
  /** The DHCP and DNS servers of blue's network are gone. */
  async dnsmasq({ networks }) {
    const pids = await run(['ip', 'netns', 'pids', `qdhcp-${networks.blue.network.id}`])
    for (const pid of pids.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
  },
  /** Frames of unknown senders pass between all ports of the integration bridge, whatever their network. */
  async leak({ memory, residents }) {
    const ports = [residents.blue1, residents.red1, residents.red2].map((each) => each.record.device)
    const text = ports.map(
      (port) =>
        `table=0,priority=65535,in_port=${port} actions=output:${ports.filter((each) => each !== port).join(',output:')}`,
    )
    await run(['ovs-ofctl', 'add-flows', `unix:${memory.ovs.ovsRunDir}/br-int.mgmt`, '-'], {
      input: `${text.join('\n')}\n`,
    })
  },
}

/** The fault of that name, or a UserError that lists them. */
export function faultOf(name: string): (world: World) => Promise<void> {
  const fault = faults[name]
  if (fault === undefined)
    throw new UserError(`no such fault: ${name}`, `Faults: ${Object.keys(faults).join(', ')}`)
  return fault
}
