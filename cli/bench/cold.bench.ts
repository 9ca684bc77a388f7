/** A host with much to do and nothing done: 1,000 ports of 200 networks, plugged before its agent ever ran. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '../../client/http.ts'
import type { Port } from '../../client/networking.ts'
import { list } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { runningIn } from '../state/control.ts'
import { readCloud, requireMemory } from '../state/layout.ts'
import { withdraw } from '../up/withdraw.ts'
import { type Bench, type Figure, round, startUp, stopUp } from './bench.place.ts'
import { benchNetwork, boundPorts, plugging, timeOf } from './plug.bench.ts'
import { agentRestarted, memoryFigures } from './process.bench.ts'

const networks = 200
const portsOfEach = 5

/** The agent is held while the ports are made, so that it has done nothing of it when the host is emptied. */
async function makePorts(bench: Bench): Promise<Port[]> {
  const { host } = requireMemory(bench.layout)
  const agent = (await runningIn(bench.layout))?.parts.agent.pid
  if (typeof agent !== 'number') throw new Error('the agent does not run')
  const client = createClient(readCloud(bench.layout, 'admin'))
  const ports: Port[] = []
  process.kill(agent, 'SIGSTOP')
  try {
    for (let n = 0; n < networks; n += 1) {
      const id = await benchNetwork(client, `bench-cold-${n}`, '10.11.0.0/24')
      ports.push(...(await boundPorts(client, host, id, portsOfEach)))
    }
  } finally {
    process.kill(agent, 'SIGCONT')
  }
  await client.close()
  return ports
}

/**
 * Takes all that is there from the host and starts the all-in-one anew, with its database; later benchmarks find that
 * one.
 */
export async function measureColdStart(bench: Bench): Promise<Figure[]> {
  const { layout } = bench
  const { ovs } = requireMemory(layout)
  const ports = await makePorts(bench)
  await stopUp(bench.up)
  rmSync(join(layout.agent, 'cache'), { recursive: true, force: true })
  await withdraw(layout, ovs, (text) => process.stderr.write(`nucleon: ${text}\n`))
  await run(['ovs-vsctl', `--db=unix:${ovs.ovsdb}`, '--may-exist', 'add-br', 'br-int'])
  const commands = plugging(ovs.ovsdb, ports)
  await run(commands)
  const begun = performance.now()
  Object.assign(bench, await startUp(layout))
  const cold = (await runningIn(layout))?.parts.agent.readyAfter
  const client = createClient(readCloud(layout, 'admin'))
  const query = { status: 'ACTIVE', device_owner: 'compute:nova', fields: 'id' }
  const allActive = async () => {
    const active = new Set((await list(client, 'port', query)).map(({ id }) => id))
    return ports.every(({ id }) => active.has(id))
  }
  const active = await timeOf(allActive, 'not all ports become ACTIVE', 500)
  await client.close()
  const restarted = await agentRestarted(layout)
  const of = `${ports.length} ports of ${networks} networks`
  return [
    { what: `cold start of an agent, ${of}`, value: round(cold ?? Number.NaN), unit: 'ms' },
    { what: 'from the start of all until these are ACTIVE', value: round(active - begun), unit: 'ms' },
    { what: `agent started again, ${of}`, value: round(restarted), unit: 'ms' },
    ...(await memoryFigures(layout, of)),
  ]
}
