/**
 * The service plugin `flavors`, which is always loaded: flavors, service profiles, and the providers of services. No
 * service that is served yet has providers to choose from.
 */
import {
  flavorServiceProfileBindingExists,
  flavorServiceProfileBindingNotFound,
  invalidServiceType,
  serviceProfileDriverNotFound,
  serviceProfileEmpty,
  serviceProfileInUse,
  serviceProfileNotFound,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { Plugin } from '../plugin.ts'
import type { ComputedFeature, Feature, Input, Member, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { requireRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'

export const flavorsPlugin: Plugin = {
  name: 'flavors',
  extensions: ['flavors', 'service-type'],
  serve: ({ resource }) => ({
    features: [flavorFeature(resource('flavor')), serviceProfileFeature(resource('service_profile'))],
    computed: [serviceProviders(resource('service_provider'))],
  }),
}

/** Services that may have flavors, as Neutron calls their types. */
const serviceTypes: readonly string[] = [
  'FIREWALL',
  'FIREWALL_V2',
  'L3_ROUTER_NAT',
  'LOADBALANCERV2',
  'METERING',
  'QOS',
  'VPN',
]

function flavorFeature(resource: Resource): Feature {
  const profiles = resource.members.service_profiles
  return {
    ...storedFeature(resource, {
      table: 'flavors',
      elsewhere: ['project_id', 'service_profiles'],
      async complete({ tx }, views, wanted) {
        if (!wanted.has('service_profiles')) return
        const found = await profilesOf(
          tx,
          views.map((view) => view.id),
        )
        for (const view of views) view.service_profiles = found.get(view.id) ?? []
      },
      hooks: {
        async creating(_tx, _context, input) {
          const type = String(input.service_type)
          if (!serviceTypes.includes(type)) throw invalidServiceType(type)
          return undefined
        },
        created: (tx, _context, input, id) => setProfiles(tx, id, [], input.service_profiles as string[]),
        async updating(tx, _context, current, changes) {
          if (changes.service_profiles === undefined) return undefined
          const before = current.service_profiles as string[]
          await setProfiles(tx, current.id, before, changes.service_profiles as string[])
          return {}
        },
      },
    }),
    ...(profiles && { members: { service_profiles: flavorProfiles(profiles) } }),
  }
}

async function profilesOf(tx: ReadTx, flavors: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await tx.db
    .selectFrom('flavor_service_profiles')
    .selectAll()
    .where(isOneOf(tx.engine, 'flavor_id', flavors))
    .orderBy('service_profile_id')
    .execute()
  const found = new Map<string, string[]>()
  for (const { flavor_id, service_profile_id: id } of rows) {
    found.set(flavor_id, [...(found.get(flavor_id) ?? []), id])
  }
  return found
}

/** Throws ServiceProfileNotFound. */
async function setProfiles(
  tx: Tx,
  flavorId: string,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  for (const id of after) {
    if (!before.includes(id)) await associate(tx, flavorId, id)
  }
  for (const id of before) {
    if (!after.includes(id)) await dissociate(tx, flavorId, id)
  }
}

async function associate(tx: Tx, flavorId: string, profileId: string): Promise<void> {
  await requireRow(tx, 'service_profiles', profileId, serviceProfileNotFound)
  await tx.db
    .insertInto('flavor_service_profiles')
    .values({ flavor_id: flavorId, service_profile_id: profileId })
    .execute()
}

async function dissociate(tx: Tx, flavorId: string, profileId: string): Promise<void> {
  await tx.db
    .deleteFrom('flavor_service_profiles')
    .where('flavor_id', '=', flavorId)
    .where('service_profile_id', '=', profileId)
    .execute()
}

function flavorProfiles(resource: Member['resource']): Member {
  const has = (flavor: View, id: string): boolean => (flavor.service_profiles as string[]).includes(id)
  return {
    resource,
    missing: (flavor, id) => flavorServiceProfileBindingNotFound(id, flavor.id),
    views: async (tx, _context, flavor) =>
      ((await profilesOf(tx, [flavor.id])).get(flavor.id) ?? []).map((id) => ({ id })),
    async create(tx, _context, flavor, input) {
      const id = String(input.id)
      if (has(flavor, id)) throw flavorServiceProfileBindingExists(id, flavor.id)
      await associate(tx, flavor.id, id)
      return id
    },
    async remove(tx, _context, flavor, id) {
      if (!has(flavor, id)) throw flavorServiceProfileBindingNotFound(id, flavor.id)
      await dissociate(tx, flavor.id, id)
    },
  }
}

function serviceProfileFeature(resource: Resource): Feature {
  return storedFeature(resource, {
    table: 'service_profiles',
    elsewhere: ['project_id'],
    inUse: serviceProfileInUse,
    hooks: {
      async creating(_tx, _context, input) {
        checkProfile(input)
        return undefined
      },
      async updating(tx, _context, current, changes) {
        await requireUnused(tx, current.id)
        checkProfile({ ...current, ...changes })
        return undefined
      },
      removing: (tx, _context, current) => requireUnused(tx, current.id),
    },
  })
}

/** Throws ServiceProfileEmpty, ServiceProfileDriverNotFound. */
function checkProfile({ driver, metainfo }: Input): void {
  if (!driver && !metainfo) throw serviceProfileEmpty()
  if (driver && !providers.some((one) => one.driver === driver)) {
    throw serviceProfileDriverNotFound(String(driver))
  }
}

/** Throws ServiceProfileInUse. */
async function requireUnused(tx: ReadTx, id: string): Promise<void> {
  const user = await tx.db
    .selectFrom('flavor_service_profiles')
    .select('flavor_id')
    .where('service_profile_id', '=', id)
    .executeTakeFirst()
  if (user) throw serviceProfileInUse(id)
}

interface ServiceProvider {
  service_type: string
  name: string
  default: boolean
  driver: string
}

const providers: readonly ServiceProvider[] = []

function serviceProviders(resource: Resource): ComputedFeature {
  return { resource, list: async () => providers.map((provider) => ({ ...provider })) }
}
