/** Address groups: prefixes under one name, added and removed in lots, for rules of security groups. */
import { addressesAlreadyExist, addressesNotFound, addressGroupInUse, badRequest } from '../../lib/errors.ts'
import { ValidationError } from '../../model/fields/kind.ts'
import { cidrs } from '../../model/fields/lists.ts'
import type { Resource } from '../../model/resource.ts'
import { accessColumn } from '../columns.ts'
import { projectsNaming, removeEntries, type Sharing } from '../rbac/sharing.ts'
import type { Feature, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { noteRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'

/** Adding what a group has, and removing what it has not, is refused as a whole; a group that a rule names stays. */
export function addressGroupFeature(resource: Resource): Feature {
  const stored = storedFeature(resource, {
    table: 'address_groups',
    elsewhere: ['addresses'],
    columns: { shared: accessColumn('access_as_shared', 'address_groups.id') },
    inUse: addressGroupInUse,
    async complete({ tx }, views, wanted) {
      if (!wanted.has('addresses')) return
      const addresses = await addressesOf(
        tx,
        views.map((view) => view.id),
      )
      for (const view of views) view.addresses = addresses.get(view.id) ?? []
    },
    hooks: {
      created: (tx, _context, input, id) => addAddresses(tx, id, (input.addresses ?? []) as string[]),
      removing: (tx, _context, current) => removeEntries(tx, current.id),
    },
  })
  return {
    ...stored,
    sharing: addressGroupSharing,
    actions: {
      async add_addresses(tx, _context, current, body) {
        const sent = sentAddresses(body)
        const there = addressesIn(current, sent)
        if (there.length > 0) throw addressesAlreadyExist(there.join(', '), current.id)
        await addAddresses(tx, current.id, sent)
        noteRow(tx, 'address_group', 'update', current)
      },
      async remove_addresses(tx, _context, current, body) {
        const sent = sentAddresses(body)
        const there = addressesIn(current, sent)
        const absent = sent.filter((address) => !there.includes(address))
        if (absent.length > 0) throw addressesNotFound(absent.join(', '), current.id)
        await tx.db
          .deleteFrom('address_group_addresses')
          .where('address_group_id', '=', current.id)
          .where(isOneOf(tx.engine, 'address', sent))
          .execute()
        noteRow(tx, 'address_group', 'update', current)
      },
    },
  }
}

/** The prefixes of an action's body, canonical. Throws HTTPBadRequest. */
function sentAddresses(body: Readonly<Record<string, unknown>>): string[] {
  const unknown = Object.keys(body).find((name) => name !== 'addresses')
  if (unknown !== undefined) throw badRequest(`Unrecognized attribute(s) '${unknown}'`)
  if (!Array.isArray(body.addresses) || body.addresses.length === 0) {
    throw badRequest("'addresses' must be a list of prefixes")
  }
  try {
    return cidrs.parse(body.addresses)
  } catch (error) {
    throw error instanceof ValidationError
      ? badRequest(`Invalid input for addresses. Reason: ${error.message}.`)
      : error
  }
}

const addressesIn = (group: View, addresses: readonly string[]): string[] =>
  addresses.filter((address) => (group.addresses as string[]).includes(address))

async function addAddresses(tx: Tx, id: string, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return
  await tx.db
    .insertInto('address_group_addresses')
    .values(addresses.map((address) => ({ address_group_id: id, address })))
    .execute()
}

/** The prefixes of several groups, each in the order of the text. */
async function addressesOf(tx: ReadTx, ids: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await tx.db
    .selectFrom('address_group_addresses')
    .selectAll()
    .where(isOneOf(tx.engine, 'address_group_id', ids))
    .orderBy('address')
    .execute()
  const groups = new Map<string, string[]>()
  for (const { address_group_id, address } of rows) {
    groups.set(address_group_id, [...(groups.get(address_group_id) ?? []), address])
  }
  return groups
}

const addressGroupSharing: Sharing = {
  actions: ['access_as_shared'],
  users: projectsNaming(['security_group_rules', 'remote_address_group_id']),
}
