/** The service plugin `local_ip`: local IPs and their associations, stored; no host translates addresses yet. */
import {
  badResourceRequest,
  conflict,
  localIpAssociationNotFound,
  localIpInUse,
  localIpNoIp,
  localIpNoRequestedIp,
  localIpPortOrNetworkRequired,
  localIpRequestedIpNotFound,
  networkNotFound,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { accessColumn } from '../columns.ts'
import type { Context } from '../context.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import type { Plugin } from '../plugin.ts'
import { addressesOf } from '../port/port.reader.ts'
import { createPort, portNetwork, removePort } from '../port/port.store.ts'
import type { Feature, Input, Member, View } from '../resource.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { noteRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'

export const localIpPlugin: Plugin = {
  name: 'local_ip',
  extensions: ['local_ip'],
  serve: ({ resource, ml2 }) => ({ features: [localIpFeature(resource('local_ip'), ml2)] }),
}

/** The owner of ports that are made for a local IP, and go with it. */
const localIpOwner = 'network:local_ip'

function localIpFeature(resource: Resource, ml2: Ml2): Feature {
  const associations = resource.members.port_associations
  const stored = storedFeature(resource, {
    table: 'local_ips',
    parent: 'network_id',
    inUse: localIpInUse,
    hooks: {
      creating: (tx, context, input, id) => localPort(tx, ml2, context, input, id),
      async removing(tx, _context, current) {
        const user = await tx.db
          .selectFrom('local_ip_associations')
          .select('fixed_port_id')
          .where('local_ip_id', '=', current.id)
          .executeTakeFirst()
        if (user) throw localIpInUse(current.id)
      },
    },
  })
  return {
    ...stored,
    async remove(tx, context, current) {
      await stored.remove?.(tx, context, current)
      const port = await usablePort(tx, undefined, String(current.local_port_id))
      if (port?.device_owner === localIpOwner) await removePort(tx, ml2, port.id)
    },
    ...(associations && { members: { port_associations: portAssociations(associations) } }),
  }
}

/** The port, network and address of a new local IP: the port that was named, or one made on the network. */
async function localPort(tx: Tx, ml2: Ml2, context: Context, input: Input, id: string) {
  const { local_port_id: portId, network_id: networkId } = input
  const wanted = typeof input.local_ip_address === 'string' ? input.local_ip_address : undefined
  if (typeof portId === 'string') {
    const port = await usablePort(tx, context, portId)
    if (!port) throw badResourceRequest('local_ip', `Port ${portId} not found`)
    const local_ip_address = await addressOf(tx, portId, wanted)
    return { local_port_id: portId, network_id: port.network_id, local_ip_address }
  }
  if (typeof networkId !== 'string') throw localIpPortOrNetworkRequired()
  await requireUsableNetwork(tx, context, networkId)
  const network = await portNetwork(tx, networkId)
  if (!network.subnets.some((subnet) => subnet.ip_version === 4)) {
    throw badResourceRequest('local_ip', `Network ${networkId} does not contain any IPv4 subnet`)
  }
  const local_port_id = await createPort(tx, ml2, network, {
    project_id: String(input.project_id),
    device_id: id,
    device_owner: localIpOwner,
    ...(wanted !== undefined && { fixed_ips: [{ ip_address: wanted }] }),
  })
  const [[address] = []] = await addressesOf(tx, [local_port_id])
  return { local_port_id, network_id: networkId, local_ip_address: address?.ip_address ?? '' }
}

/** A port of the caller's, any without a context; undefined where there is none. */
async function usablePort(tx: ReadTx, context: Context | undefined, id: string) {
  const port = await tx.db
    .selectFrom('ports')
    .select(['id', 'project_id', 'network_id', 'device_owner'])
    .where('id', '=', id)
    .executeTakeFirst()
  const mine = !context || context.isAdmin || port?.project_id === context.projectId
  return mine ? port : undefined
}

/** Throws NetworkNotFound for a network that is neither the caller's nor shared with him. */
async function requireUsableNetwork(tx: ReadTx, context: Context, id: string): Promise<void> {
  const network = await tx.db
    .selectFrom('networks')
    .select(['project_id', accessColumn('access_as_shared', 'networks.id')({ tx, context }).as('shared')])
    .where('id', '=', id)
    .executeTakeFirst()
  const usable = context.isAdmin || network?.project_id === context.projectId || network?.shared === 1
  if (!network || !usable) throw networkNotFound(id)
}

/** The address asked for, or the only one. Throws LocalIPNoIP, LocalIPNoRequestedIP, LocalIPRequestedIPNotFound. */
async function addressOf(tx: ReadTx, portId: string, wanted: string | undefined): Promise<string> {
  const [addresses = []] = await addressesOf(tx, [portId])
  const [only] = addresses
  if (!only) throw localIpNoIp(portId)
  if (wanted === undefined) {
    if (addresses.length > 1) throw localIpNoRequestedIp(portId)
    return only.ip_address
  }
  if (!addresses.some((one) => one.ip_address === wanted)) throw localIpRequestedIpNotFound(portId, wanted)
  return wanted
}

function portAssociations(resource: Member['resource']): Member {
  const note = (tx: Tx, operation: 'create' | 'delete', local: View, portId: string): void =>
    noteRow(tx, 'port_association', operation, { id: portId, project_id: local.project_id }, local.id)
  return {
    resource,
    missing: (local, portId) => localIpAssociationNotFound(local.id, portId),
    async views(tx, _context, local) {
      const rows = await tx.db
        .selectFrom('local_ip_associations as a')
        .leftJoin('port_bindings as b', (join) =>
          join.onRef('b.port_id', '=', 'a.fixed_port_id').on('b.status', '=', 'ACTIVE'),
        )
        .select(['a.local_ip_id', 'a.fixed_port_id', 'a.fixed_ip', 'b.host'])
        .where('a.local_ip_id', '=', local.id)
        .orderBy('a.fixed_port_id')
        .execute()
      return rows.map((row) => ({
        ...row,
        id: row.fixed_port_id,
        host: row.host ?? '',
        local_ip_address: local.local_ip_address,
      }))
    },
    async create(tx, context, local, input) {
      const portId = String(input.fixed_port_id)
      if (!(await usablePort(tx, context, portId))) {
        throw badResourceRequest('local_ip_port_association', `Port ${portId} not found`)
      }
      const wanted = typeof input.fixed_ip === 'string' ? input.fixed_ip : undefined
      const fixed_ip = await addressOf(tx, portId, wanted)
      const row = { local_ip_id: local.id, fixed_port_id: portId, fixed_ip }
      const written = await tx.db
        .insertInto('local_ip_associations')
        .values(row)
        .onConflict((twice) => twice.doNothing())
        .returning('fixed_port_id')
        .execute()
      if (written.length === 0)
        throw conflict(`Local IP ${local.id} is associated with port ${portId} already.`)
      note(tx, 'create', local, portId)
      return portId
    },
    async remove(tx, _context, local, portId) {
      const removed = await tx.db
        .deleteFrom('local_ip_associations')
        .where('local_ip_id', '=', local.id)
        .where('fixed_port_id', '=', portId)
        .returning('fixed_port_id')
        .execute()
      if (removed.length === 0) throw localIpAssociationNotFound(local.id, portId)
      note(tx, 'delete', local, portId)
    },
  }
}
