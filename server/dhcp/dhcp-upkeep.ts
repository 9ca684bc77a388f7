/**
 * What no request brings about: networks of dead DHCP agents go to live ones, and DHCP ports get the addresses that
 * were not to be had before. Runs on every server; each step looks again inside its own transaction.
 */
import { sql } from 'kysely'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { aliveSince, dhcpAgentType } from '../agent/agent.store.ts'
import { attemptEach } from '../chores.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { isConnected } from '../segment/host-segments.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Store } from '../store/store.ts'
import { dhcpOwner, servingDevice } from './dhcp-port.ts'
import { ensureDhcp, replaceDhcpAgent } from './dhcp-scheduler.ts'

const requestId = 'dhcp-upkeep'

/** Seconds between two rounds, as Neutron has it. */
export function upkeepInterval(ml2: Ml2): number {
  return Math.max(1, Math.floor(ml2.settings.DEFAULT.agent_down_time / 2))
}

/** Answers what does one round; it answers how many networks were touched. */
export function dhcpUpkeep(store: Store, ml2: Ml2, clock: Clock = systemClock): () => Promise<number> {
  const { agent_down_time: downTime, allow_automatic_dhcp_failover: failover } = ml2.settings.DEFAULT
  const offset = (): number => clock.now().getTime() - clock.monotonic()
  let before = offset()
  return async () => {
    const now = offset()
    // To a clock that was set forward everybody is dead until his next heartbeat, which comes before the next round.
    const isSet = now - before > (downTime * 1000) / 2
    before = now
    const moved = failover && !isSet ? await leaveTheDead(store, ml2) : 0
    return moved + (await completeDhcpPorts(store, ml2))
  }
}

const servedByDead = prepared('dhcp-networks-of-the-dead', (db, p: { before: string }) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents', 'agents.id', 'd.agent_id')
    .select(['d.network_id', 'd.agent_id'])
    .where('agents.agent_type', '=', dhcpAgentType)
    .where('agents.admin_state_up', '=', 1)
    .where('agents.heartbeat_timestamp', '<=', p.before)
    .orderBy('d.network_id')
    .orderBy('d.agent_id'),
)

const isServedByDead = prepared(
  'dhcp-network-of-the-dead',
  (db, p: { network_id: string; agent_id: string; before: string }) =>
    db
      .selectFrom('network_dhcp_agents as d')
      .innerJoin('agents', 'agents.id', 'd.agent_id')
      .select('d.network_id')
      .where('d.network_id', '=', p.network_id)
      .where('d.agent_id', '=', p.agent_id)
      .where('agents.admin_state_up', '=', 1)
      .where('agents.heartbeat_timestamp', '<=', p.before),
)

const somebodyAlive = prepared('dhcp-agents-alive', (db, p: { since: string }) =>
  db
    .selectFrom('agents')
    .select('id')
    .where('agent_type', '=', dhcpAgentType)
    .where('admin_state_up', '=', 1)
    .where('heartbeat_timestamp', '>', p.since)
    .limit(1),
)

/** Gives the networks of agents that have been silent for twice agent_down_time to others, as long as there are any. */
async function leaveTheDead(store: Store, ml2: Ml2): Promise<number> {
  const { agent_down_time: downTime } = ml2.settings.DEFAULT
  const lost = await store.read(async (tx) => {
    const found = await servedByDead.all(tx, { before: aliveSince(2 * downTime) })
    if (found.length === 0) return []
    return (await somebodyAlive.first(tx, { since: aliveSince(downTime) })) ? found : []
  })
  await attemptEach(lost, ml2.log, ({ network_id, agent_id }) => {
    const options = { requestId, serialize: [`network:${network_id}`] }
    return store.write(options, async (tx) => {
      // It may have come back since it was listed.
      const before = aliveSince(2 * downTime)
      if (await isServedByDead.first(tx, { network_id, agent_id, before })) {
        await replaceDhcpAgent(tx, ml2, network_id, agent_id)
      }
    })
  })
  return lost.length
}

/** Gives DHCP ports the addresses of subnets that were full when the ports came. */
async function completeDhcpPorts(store: Store, ml2: Ml2): Promise<number> {
  const networks = await store.read(incompleteNetworks)
  await attemptEach(networks, ml2.log, (networkId) => {
    const options = { requestId, serialize: [`network:${networkId}`] }
    return store.write(options, (tx) => ensureDhcp(tx, ml2, networkId))
  })
  return networks.length
}

/** Networks with fewer addresses of DHCP ports than agents on a subnet with DHCP that has addresses left. */
async function incompleteNetworks(tx: ReadTx): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('subnets as s')
    .select('s.network_id')
    .distinct()
    .where('s.enable_dhcp', '=', 1)
    .where((eb) =>
      eb.and([
        eb.exists(
          eb.selectFrom('free_ranges as f').select('f.pool').whereRef('f.pool', '=', 's.id').limit(1),
        ),
        eb(
          eb
            .selectFrom('network_dhcp_agents as d')
            .select((count) => count.fn.countAll<number>().as('agents'))
            .innerJoin('agents as h', 'h.id', 'd.agent_id')
            .whereRef('d.network_id', '=', 's.network_id')
            .where('h.admin_state_up', '=', 1)
            .where((on) =>
              on.or([
                on('s.segment_id', 'is', null),
                isConnected(sql.ref('h.host'), sql.ref('s.segment_id')),
              ]),
            ),
          '>',
          eb
            .selectFrom('ports as p')
            .innerJoin('ip_allocations as a', 'a.port_id', 'p.id')
            .select((count) => count.fn.countAll<number>().as('addresses'))
            .whereRef('p.network_id', '=', 's.network_id')
            .whereRef('a.subnet_id', '=', 's.id')
            .where('p.device_owner', '=', sql.lit(dhcpOwner))
            .where('p.device_id', 'like', servingDevice),
        ),
      ]),
    )
    .execute()
  return rows.map((row) => row.network_id)
}
