/**
 * Bindings of a port below /ports/{id}/bindings (binding-extended): what a live migration works with. A second binding
 * is INACTIVE, and its host wires the port all the same; activation makes it the one, and unbinds the one before.
 */
import {
  badResourceRequest,
  portBindingAlreadyActive,
  portBindingAlreadyExists,
  portBindingError,
  portBindingNotFound,
  portNotFound,
} from '../../lib/errors.ts'
import type { SubResource } from '../../model/resource.ts'
import { type BindingOutcome, type BindingWish, bindPort, isBound } from '../ml2/binding.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import type { Input, Member, View } from '../resource.ts'
import { segmentsOfPort } from '../segment/host-segments.ts'
import { prepared } from '../store/prepared.ts'
import type { Tx } from '../store/store.ts'
import type { PortBindingTable } from '../store/tables/networking.ts'
import {
  activeBinding,
  type BoundPort,
  bindingsOfPort,
  deleteBindings,
  noteBinding,
  storeBinding,
} from './binding.rows.ts'
import { notePort, portById, precommit, readWish, updatePort, wishOf } from './port.store.ts'
import { setWired } from './provisioning.ts'

/** Throws BadRequest for a port that is not of the compute service (device_owner `compute:…`), as Neutron does. */
export function portBindings(resource: SubResource, ml2: Ml2): Member {
  return {
    resource,
    missing: (port, host) => portBindingNotFound(port.id, host),

    async views(tx, _context, port) {
      requireCompute(port)
      const rows = await bindingsOfPort.all(tx, { port_id: port.id })
      return rows.filter((row) => row.host !== '').map(bindingView)
    },

    /** Throws PortBindingAlreadyExists, PortBindingError. */
    async create(tx, _context, port, input) {
      requireCompute(port)
      const wish = wishOf(wanted(input))
      if (wish.host === '') throw badResourceRequest('port', 'a binding needs a host')
      const rows = await bindingsOfPort.all(tx, { port_id: port.id })
      if (rows.some((row) => row.host === wish.host)) throw portBindingAlreadyExists(port.id, wish.host)
      const outcome = await bindOrThrow(tx, ml2, port, wish)
      await storeAwaited(tx, boundPort(port), wish, outcome)
      return wish.host
    },

    /** Binds anew with another vnic_type or profile. Throws PortBindingNotFound, PortBindingError, BadRequest. */
    async update(tx, _context, port, host, changes) {
      requireCompute(port)
      const row = await bindingOn(tx, port.id, host)
      const change = wanted(changes)
      if (change.host !== undefined && change.host !== host) {
        throw badResourceRequest('port', 'the host of a binding cannot be changed')
      }
      if (row.status === 'ACTIVE') {
        await updatePort(tx, ml2, port.id, { binding: change })
        const now = await activeBinding.first(tx, { port_id: port.id })
        if (!isBound(now?.vif_type ?? 'unbound')) throw portBindingError(port.id, host)
        return
      }
      const wish = wishOf({ ...readWish(row), ...change })
      const outcome = await bindOrThrow(tx, ml2, port, wish)
      await deleteBindings.run(tx, { port_id: port.id, host, other: host })
      if (outcome.segment_id === row.segment_id) {
        // Nothing changes for its host, which would not say again that it has wired it.
        await storeBinding(tx, boundPort(port), wish, outcome, 'INACTIVE', row.wired === 1)
      } else await storeAwaited(tx, boundPort(port), wish, outcome)
    },

    /** Throws PortBindingNotFound. Without its ACTIVE binding, the port is unbound. */
    async remove(tx, _context, port, host) {
      const row = await bindingOn(tx, port.id, host)
      if (row.status === 'ACTIVE') return updatePort(tx, ml2, port.id, { binding: { host: '' } })
      await deleteBindings.run(tx, { port_id: port.id, host, other: host })
      noteBinding(tx, boundPort(port))
    },

    actions: {
      /** Throws PortBindingAlreadyActive, PortBindingNotFound, PortBindingError. */
      activate: (tx, _context, port, host) => activate(tx, ml2, port, host),
    },
  }
}

/** Throws BadRequest: only what the compute service plugs is bound so. */
function requireCompute(port: View): void {
  if (!String(port.device_owner).startsWith('compute:')) {
    throw badResourceRequest(
      'port',
      `invalid port ${port.id}: only ports of the compute service have bindings`,
    )
  }
}

function boundPort(port: View): BoundPort {
  return { id: port.id, network_id: String(port.network_id), project_id: String(port.project_id) }
}

function bindingView(row: PortBindingTable): View {
  return {
    id: row.host,
    host: row.host,
    status: row.status,
    vif_type: row.vif_type,
    vnic_type: row.vnic_type,
    profile: JSON.parse(row.profile) as unknown,
    vif_details: JSON.parse(row.vif_details) as unknown,
  }
}

/** What a body says of a binding. */
function wanted(input: Input): Partial<BindingWish> {
  const { host, vnic_type, profile } = input as {
    host?: string
    vnic_type?: string
    profile?: Record<string, unknown> | null
  }
  return {
    ...(host === undefined ? {} : { host }),
    ...(vnic_type === undefined ? {} : { vnic_type }),
    ...(profile === undefined ? {} : { profile: profile ?? {} }),
  }
}

async function bindingOn(tx: Tx, portId: string, host: string): Promise<PortBindingTable> {
  const rows = await bindingsOfPort.all(tx, { port_id: portId })
  const row = rows.find((one) => one.host === host && host !== '')
  if (!row) throw portBindingNotFound(portId, host)
  return row
}

async function bindOrThrow(tx: Tx, ml2: Ml2, port: View, wish: BindingWish): Promise<BindingOutcome> {
  const segments = await segmentsOfPort(tx, port.id)
  const outcome = await bindPort(tx, ml2, { id: port.id, networkId: String(port.network_id), segments }, wish)
  if (!isBound(outcome.vif_type)) throw portBindingError(port.id, wish.host)
  return outcome
}

const renew = prepared('binding-renew', (db, p: { id: string }) =>
  db
    .updateTable('ports')
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', p.id),
)

/**
 * Stores an INACTIVE binding that its host is to wire, and asks all hosts anew: one that had the port until just now
 * may have seen nothing of the gap between.
 */
async function storeAwaited(
  tx: Tx,
  port: BoundPort,
  wish: BindingWish,
  outcome: BindingOutcome,
): Promise<void> {
  await storeBinding(tx, port, wish, outcome, 'INACTIVE')
  if (outcome.needsAgent) await renew.run(tx, { id: port.id })
}

const retire = prepared('binding-retire', (db, p: { port_id: string }) =>
  db
    .updateTable('port_bindings')
    .set({ status: 'INACTIVE', vif_type: 'unbound', vif_details: '{}', segment_id: null, wired: 0 })
    .where('port_id', '=', p.port_id)
    .where('status', '=', 'ACTIVE'),
)

const promote = prepared('binding-promote', (db, p: { port_id: string; host: string }) =>
  db
    .updateTable('port_bindings')
    .set({ status: 'ACTIVE' })
    .where('port_id', '=', p.port_id)
    .where('host', '=', p.host),
)

const setStatus = prepared(
  'binding-port-status',
  (db, p: { id: string; status: string; revision: number; now: string }) =>
    db
      .updateTable('ports')
      .set({ status: p.status, revision_number: p.revision, updated_at: p.now })
      .where('id', '=', p.id),
)

/**
 * Makes an INACTIVE binding the port's. Where its host has wired the port already, the port goes on being ACTIVE;
 * else it waits for that. The binding before stays as INACTIVE and unbound, and its host forgets the port.
 */
async function activate(tx: Tx, ml2: Ml2, port: View, host: string): Promise<void> {
  requireCompute(port)
  const row = await portById.first(tx, { id: port.id })
  const active = await activeBinding.first(tx, { port_id: port.id })
  if (!row || !active) throw portNotFound(port.id)
  if (active.host === host) throw portBindingAlreadyActive(port.id, host)
  let next = await bindingOn(tx, port.id, host)
  if (!isBound(next.vif_type)) {
    // Going back to where the port was before.
    const wish = readWish(next)
    const outcome = await bindOrThrow(tx, ml2, port, wish)
    await deleteBindings.run(tx, { port_id: port.id, host, other: host })
    await storeAwaited(tx, row, wish, outcome)
    next = await bindingOn(tx, port.id, host)
  }
  if (active.host === '') await deleteBindings.run(tx, { port_id: port.id, host: '', other: '' })
  else await retire.run(tx, { port_id: port.id })
  await promote.run(tx, { port_id: port.id, host })
  const status = await setWired(tx, port.id, next.wired === 1)
  const revision = row.revision_number + 1
  await setStatus.run(tx, { id: port.id, status, revision, now: tx.now })
  await precommit(tx, ml2, { operation: 'update', portId: port.id, networkId: row.network_id })
  noteBinding(tx, row)
  notePort(tx, 'update', { ...row, revision_number: revision })
}
