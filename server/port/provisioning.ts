/**
 * When a port turns ACTIVE. A port that is bound to a host waits for what has to be in place: the L2 agent's wiring,
 * and the DHCP servers where its addresses are served. Each is a block; `generation` counts how often blocks were
 * put, so that a report about an earlier wiring lifts nothing. Reports change no document.
 */
import { type SqlBool, sql } from 'kysely'
import type { Fact } from '../../bus/feed.ts'
import { reachesPort } from '../segment/host-segments.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Store, Tx } from '../store/store.ts'

export type Entity = 'L2' | 'DHCP'

/** What decides which blocks a port gets. */
export interface Provisioned {
  id: string
  networkId: string
  deviceOwner: string
  /** True: an agent wires it on the host that it is bound to. */
  needsAgent: boolean
  /** True: it has an address on a subnet with DHCP. */
  onDhcpSubnet: boolean
}

/** An agent that serves the network where the port's addresses are. */
const servedByDhcp = prepared('port-served-by-dhcp', (db, p: { network_id: string; port_id: string }) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents as a', 'a.id', 'd.agent_id')
    .select('d.agent_id')
    .where('d.network_id', '=', p.network_id)
    .where('a.admin_state_up', '=', 1)
    .where(reachesPort(sql.ref('a.host'), sql`${p.port_id}`))
    .limit(1),
)

/**
 * The blocks of a port that has just been bound. DHCP counts only where an agent serves the network, and the port is
 * somebody's who asks for a lease: device_owner neither empty nor `network:*`.
 */
export async function blocksOf(tx: ReadTx, port: Provisioned): Promise<Entity[]> {
  if (!port.needsAgent) return []
  const asks = port.onDhcpSubnet && port.deviceOwner !== '' && !port.deviceOwner.startsWith('network:')
  if (!asks) return ['L2']
  const served = await servedByDhcp.first(tx, { network_id: port.networkId, port_id: port.id })
  return served ? ['L2', 'DHCP'] : ['L2']
}

const insertBlock = prepared('provisioning-block-insert', (db, p: { port_id: string; entity: Entity }) =>
  db
    .insertInto('provisioning_blocks')
    .values({ port_id: p.port_id, entity: p.entity })
    .onConflict((conflict) => conflict.doNothing()),
)

const deleteBlocks = prepared('provisioning-blocks-delete', (db, p: { port_id: string }) =>
  db.deleteFrom('provisioning_blocks').where('port_id', '=', p.port_id),
)

/** Makes these the blocks of a port; `fresh` says that it has none so far. */
export async function putBlocks(
  tx: Tx,
  portId: string,
  entities: readonly Entity[],
  fresh: boolean,
): Promise<void> {
  if (!fresh) await deleteBlocks.run(tx, { port_id: portId })
  for (const entity of entities) await insertBlock.run(tx, { port_id: portId, entity })
}

/** Lifts the block of L2, or puts it, and answers the status that a port that is bound has with what is left. */
export async function setWired(tx: Tx, portId: string, wired: boolean): Promise<string> {
  if (wired) await liftBlocks.run(tx, { ids: [portId], entity: 'L2' })
  else await insertBlock.run(tx, { port_id: portId, entity: 'L2' })
  const held = await blocksOfPorts.all(tx, { ids: [portId] })
  return statusOf(new Set(held.map((block) => block.entity)))
}

/**
 * Takes in what a host reports: lifts and puts blocks and sets port status, in one transaction with a constant number
 * of queries. Facts of another generation, of ports that are not bound to the host (L2) or whose network it does not
 * serve (DHCP), and those already known change nothing.
 */
export async function recordFacts(store: Store, host: string, facts: readonly Fact[]): Promise<void> {
  if (facts.length === 0) return
  // In the order in which they came: a host that has given up waiting for an answer tells newer ones.
  const options = { requestId: `facts-${host}`, serialize: [`facts ${host}`] }
  await store.write(options, (tx) => applyFacts(tx, host, facts))
}

interface PortState {
  id: string
  network_id: string
  project_id: string
  status: string
  generation: number
  revision_number: number
  device_owner: string
  admin_state_up: number
}

async function applyFacts(tx: Tx, host: string, facts: readonly Fact[]): Promise<void> {
  const ids = [...new Set(facts.map((fact) => fact.port_id))]
  const ports = new Map((await portStates.all(tx, { ids })).map((port) => [port.id, port]))
  if (ports.size === 0) return
  const bindings = await boundHere.all(tx, { ids, host })
  const bound = new Set(bindings.filter((row) => row.status === 'ACTIVE').map((row) => row.port_id))
  const served = facts.some((fact) => fact.kind === 'dhcp-served')
    ? new Set((await servedHere.all(tx, { ids, host })).map((row) => row.id))
    : new Set<string>()
  const blocks = new Map<string, Set<Entity>>()
  for (const { port_id, entity } of await blocksOfPorts.all(tx, { ids })) {
    blocks.set(port_id, (blocks.get(port_id) ?? new Set()).add(entity))
  }

  const lifted: Record<Entity, string[]> = { L2: [], DHCP: [] }
  const unwired: string[] = []
  const touched = new Set<PortState>()
  for (const fact of facts) {
    const port = ports.get(fact.port_id)
    if (port?.generation !== fact.generation) continue
    if (!(fact.kind === 'port-wired' ? bound : served).has(port.id)) continue
    const held = blocks.get(port.id) ?? new Set<Entity>()
    blocks.set(port.id, held)
    if (fact.kind === 'port-wired' && !fact.wired) {
      if (!held.has('L2')) unwired.push(port.id)
      held.add('L2')
    } else {
      const entity = fact.kind === 'port-wired' ? 'L2' : 'DHCP'
      if (held.delete(entity)) lifted[entity].push(port.id)
    }
    if (bound.has(port.id) || held.size === 0) touched.add(port)
  }

  await noteArrivals(tx, host, bindings, facts, ports)
  for (const entity of ['L2', 'DHCP'] as const) {
    if (lifted[entity].length > 0) await liftBlocks.run(tx, { ids: lifted[entity], entity })
  }
  for (const port_id of unwired) {
    if (blocks.get(port_id)?.has('L2')) await insertBlock.run(tx, { port_id, entity: 'L2' })
  }
  const active = await boundSomewhere(tx, [...touched], bound)
  await setStatuses(
    tx,
    [...touched].map((port) => ({
      port,
      status: active.has(port.id) ? statusOf(blocks.get(port.id) ?? new Set()) : port.status,
    })),
  )
}

/** Keeps what a host tells of ports that are on their way to it, for when their bindings are activated. */
async function noteArrivals(
  tx: Tx,
  host: string,
  bindings: readonly { port_id: string; status: string; wired: number }[],
  facts: readonly Fact[],
  ports: ReadonlyMap<string, PortState>,
): Promise<void> {
  for (const binding of bindings) {
    if (binding.status === 'ACTIVE') continue
    const port = ports.get(binding.port_id)
    const fact = facts.findLast((one) => one.kind === 'port-wired' && one.port_id === binding.port_id)
    if (fact?.kind !== 'port-wired' || fact.generation !== port?.generation) continue
    if (fact.wired === (binding.wired === 1)) continue
    await updateWired.run(tx, { port_id: port.id, host, wired: Number(fact.wired) })
    tx.change({
      object: 'port-binding',
      id: port.id,
      parentId: port.network_id,
      operation: 'update',
      revision: null,
      projectId: port.project_id,
    })
  }
}

/** ACTIVE without blocks; BUILD when wired and something else is missing; else DOWN. */
function statusOf(held: ReadonlySet<Entity>): string {
  if (held.size === 0) return 'ACTIVE'
  return held.has('L2') ? 'DOWN' : 'BUILD'
}

/** Only a port that some host realises can be ACTIVE: DHCP reports come from other hosts than the port's. */
async function boundSomewhere(
  tx: ReadTx,
  ports: readonly PortState[],
  known: ReadonlySet<string>,
): Promise<Set<string>> {
  const ids = ports.map((port) => port.id).filter((id) => !known.has(id))
  if (ids.length === 0) return new Set(known)
  return new Set([...known, ...(await boundAnywhere.all(tx, { ids })).map((row) => row.port_id)])
}

async function setStatuses(tx: Tx, changes: readonly { port: PortState; status: string }[]): Promise<void> {
  for (const status of ['ACTIVE', 'BUILD', 'DOWN'] as const) {
    const ports = changes.filter((change) => change.status === status && change.port.status !== status)
    if (ports.length === 0) continue
    const ids = ports.map(({ port }) => port.id)
    await updateStatus.run(tx, { ids, status, now: tx.now })
    for (const { port } of ports) {
      tx.change({
        object: 'port',
        id: port.id,
        parentId: port.network_id,
        operation: 'update',
        revision: port.revision_number + 1,
        projectId: port.project_id,
      })
    }
  }
}

/**
 * Lifts the DHCP blocks of a network that no agent serves any more, or whose subnets have no DHCP (of a routed network,
 * those of ports that no agent serves): nobody would ever report. Ports that waited for nothing else turn ACTIVE.
 */
export async function liftDhcpBlocks(
  tx: Tx,
  networkId: string,
  which: 'all' | 'unserved' = 'all',
): Promise<void> {
  const query = which === 'all' ? waitingForDhcp : waitingUnserved
  const waiting = await query.all(tx, { network_id: networkId })
  if (waiting.length === 0) return
  const ids = waiting.map((row) => row.id)
  await liftBlocks.run(tx, { ids, entity: 'DHCP' })
  const held = new Set((await blocksOfPorts.all(tx, { ids })).map((row) => row.port_id))
  const bound = new Set((await boundAnywhere.all(tx, { ids })).map((row) => row.port_id))
  const ports = await portStates.all(tx, { ids: ids.filter((id) => !held.has(id) && bound.has(id)) })
  await setStatuses(
    tx,
    ports.map((port) => ({ port, status: 'ACTIVE' })),
  )
}

const portStates = prepared('facts-ports', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('ports')
    .select([
      'id',
      'network_id',
      'project_id',
      'status',
      'generation',
      'revision_number',
      'device_owner',
      'admin_state_up',
    ])
    .where(isOneOf(engine, 'id', p.ids)),
)

const boundHere = prepared('facts-bound-here', (db, p: { ids: readonly string[]; host: string }, engine) =>
  db
    .selectFrom('port_bindings')
    .select(['port_id', 'status', 'wired'])
    .where(isOneOf(engine, 'port_id', p.ids))
    .where('host', '=', p.host)
    .where('segment_id', 'is not', null),
)

const updateWired = prepared('facts-wired', (db, p: { port_id: string; host: string; wired: number }) =>
  db
    .updateTable('port_bindings')
    .set({ wired: p.wired })
    .where('port_id', '=', p.port_id)
    .where('host', '=', p.host),
)

const boundAnywhere = prepared('facts-bound', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('port_bindings')
    .select('port_id')
    .where(isOneOf(engine, 'port_id', p.ids))
    .where('status', '=', 'ACTIVE')
    .where('segment_id', 'is not', null),
)

const servedHere = prepared('facts-served-here', (db, p: { ids: readonly string[]; host: string }, engine) =>
  db
    .selectFrom('ports')
    .innerJoin('network_dhcp_agents as d', 'd.network_id', 'ports.network_id')
    .innerJoin('agents as a', 'a.id', 'd.agent_id')
    .select('ports.id')
    .where(isOneOf(engine, 'ports.id', p.ids))
    .where('a.host', '=', p.host)
    .where(reachesPort(sql.ref('a.host'), sql.ref('ports.id'))),
)

const blocksOfPorts = prepared('facts-blocks', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('provisioning_blocks')
    .select(['port_id', 'entity'])
    .where(isOneOf(engine, 'port_id', p.ids)),
)

const liftBlocks = prepared(
  'facts-lift-blocks',
  (db, p: { ids: readonly string[]; entity: Entity }, engine) =>
    db
      .deleteFrom('provisioning_blocks')
      .where(isOneOf(engine, 'port_id', p.ids))
      .where('entity', '=', p.entity),
)

const updateStatus = prepared(
  'facts-status',
  (db, p: { ids: readonly string[]; status: string; now: string }, engine) =>
    db
      .updateTable('ports')
      .set((eb) => ({
        status: p.status,
        updated_at: p.now,
        revision_number: eb('revision_number', '+', 1),
      }))
      .where(isOneOf(engine, 'id', p.ids)),
)

const waitingForDhcp = prepared('ports-waiting-for-dhcp', (db, p: { network_id: string }) =>
  db
    .selectFrom('provisioning_blocks as b')
    .innerJoin('ports', 'ports.id', 'b.port_id')
    .select('ports.id')
    .where('ports.network_id', '=', p.network_id)
    .where('b.entity', '=', 'DHCP'),
)

const waitingUnserved = prepared('ports-waiting-unserved', (db, p: { network_id: string }) =>
  db
    .selectFrom('provisioning_blocks as b')
    .innerJoin('ports', 'ports.id', 'b.port_id')
    .select('ports.id')
    .where('ports.network_id', '=', p.network_id)
    .where('b.entity', '=', 'DHCP')
    .where(
      sql<SqlBool>`not exists (select 1 from network_dhcp_agents d join agents a on a.id = d.agent_id
        where d.network_id = ports.network_id and a.admin_state_up = 1 and ${reachesPort(sql.ref('a.host'), sql.ref('ports.id'))})`,
    ),
)
