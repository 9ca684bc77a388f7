/**
 * Topologies that are allocated when they are asked for: a network for the project, with a subnet of each default
 * subnet pool, in one transaction, and the same one ever after.
 *
 * No router joins the network to the default external one yet, though there must be that one. It will be made at the
 * end of `make`, and go first in `remove`: nothing else here knows of it.
 */
import { autoAllocationFailure, NeutronError } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { rehearsal } from '../../model/resources/auto-allocated-topology.ts'
import type { Context } from '../context.ts'
import { defaultExternalNetwork } from '../network/default-external.ts'
import { createNetwork, deleteNetwork, type NetworkInput } from '../network/network.feature.ts'
import type { PluginParts } from '../plugin.ts'
import { createQuotas } from '../quota/quotas.ts'
import type { ProjectFeature, View } from '../resource.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import type { SubnetpoolTable } from '../store/tables/subnetpools.ts'
import { createSubnet, type SubnetInput } from '../subnet/subnet.feature.ts'
import { usableDefaultPool } from '../subnetpool/subnetpool.store.ts'

const ofProject = prepared('topology-of-project', (db, p: { project: string }) =>
  db.selectFrom('auto_allocated_topologies').select('network_id').where('project_id', '=', p.project),
)

const versions = [4, 6] as const

/**
 * Making throws AutoAllocationFailure where the cloud is not set up for it, and OverQuota: unlike in Neutron, what
 * comes with a topology counts.
 */
export function topologyFeature({ resource, ml2, settings }: PluginParts): ProjectFeature {
  const networkOf = reading<NetworkInput>(resource('network'))
  const subnetOf = reading<SubnetInput>(resource('subnet'))
  // Neutron counts only what is asked for by name: here nobody gets round his quota.
  const quotas = createQuotas(
    [
      { name: 'network', table: 'networks' },
      { name: 'subnet', table: 'subnets' },
    ],
    settings.quotas,
  )
  return {
    resource: resource('auto_allocated_topology'),
    async find(tx, project) {
      const row = await ofProject.first(tx, { project })
      return row && viewOf(row.network_id, project)
    },
    async rehearse(tx, context, project) {
      await requireDefaultExternal(tx)
      await usablePools(tx, context)
      return { id: rehearsal.passed, tenant_id: project }
    },
    async make(tx, context, project) {
      await requireDefaultExternal(tx)
      const pools = await usablePools(tx, context)
      await quotas.check(tx, 'network', project, 1)
      await quotas.check(tx, 'subnet', project, pools.length)
      const own = { project_id: project }
      try {
        const network = networkOf({ ...own, name: 'auto_allocated_network' })
        const network_id = await createNetwork(tx, ml2, network)
        for (const { id: subnetpool_id, ip_version } of pools) {
          const name = `auto_allocated_subnet_v${ip_version}`
          const subnet = subnetOf({ ...own, name, network_id, ip_version, subnetpool_id })
          await createSubnet(tx, ml2, context, subnet)
        }
        await tx.db
          .insertInto('auto_allocated_topologies')
          .values({ ...own, network_id })
          .execute()
        return viewOf(network_id, project)
      } catch (error) {
        if (!isUnfit(error)) throw error
        throw autoAllocationFailure(`no network can be made: ${error.message.replace(/\.$/, '')}`)
      }
    },
    async remove(tx, project) {
      const row = await ofProject.first(tx, { project })
      if (row) await deleteNetwork(tx, ml2, row.network_id)
    },
    turns: (project) => [
      `auto-allocated-topology:${project}`,
      'segments',
      ...versions.map((version) => `subnetpool:default-${version}`),
      ...['network', 'subnet'].flatMap((name) => quotas.keys(name, [project])),
    ],
  }
}

/** What is said of an object, and the defaults of the rest, as a client's request would have them. */
function reading<Input>({ attributes }: Resource): (said: Partial<Input>) => Input {
  const all = Object.entries(attributes)
  const defaults = Object.fromEntries(
    all.flatMap(([name, one]) => (one.post && one.default !== undefined ? [[name, one.default]] : [])),
  )
  return (said) => ({ ...defaults, ...said }) as Input
}

const viewOf = (networkId: string, project: string): View => ({ id: networkId, project_id: project })

/** Throws AutoAllocationFailure. */
async function requireDefaultExternal(tx: ReadTx): Promise<void> {
  if ((await defaultExternalNetwork(tx)) === undefined) {
    throw autoAllocationFailure('there is no default external network')
  }
}

/** The default pools that the caller may use. Throws AutoAllocationFailure where there are none. */
async function usablePools(tx: ReadTx, context: Context): Promise<SubnetpoolTable[]> {
  const pools: SubnetpoolTable[] = []
  for (const version of versions) {
    const pool = await usableDefaultPool(tx, context, version)
    if (pool) pools.push(pool)
  }
  if (pools.length === 0) throw autoAllocationFailure('there is no default subnet pool')
  return pools
}

/** Refused as a wish that nobody made: the cloud is not set up for it. */
const isUnfit = (error: unknown): error is NeutronError =>
  error instanceof NeutronError &&
  (error.status === 400 || error.status === 404 || error.type === 'SubnetAllocationError')
