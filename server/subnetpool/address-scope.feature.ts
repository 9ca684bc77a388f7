/** Address scopes of the API. A scope that was shared stays so, and one that has pools stays. */
import { addressScopeInUse, addressScopeUpdateError } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { accessColumn, flag } from '../columns.ts'
import { openToAll, projectsNaming, removeEntries, type Sharing } from '../rbac/sharing.ts'
import type { Feature } from '../resource.ts'
import { storedFeature } from '../stored/stored.ts'

const type = 'address_scope'

/** Projects with pools of the scope use it. */
const sharing: Sharing = {
  actions: ['access_as_shared'],
  users: projectsNaming(['subnetpools', 'address_scope_id']),
}

/** Throws AddressScopeUpdateError where it would be unshared, AddressScopeInUse where pools are of it. */
export function addressScopeFeature(resource: Resource): Feature {
  const feature = storedFeature(resource, {
    table: 'address_scopes',
    columns: { shared: accessColumn('access_as_shared', 'address_scopes.id') },
    async complete(_scope, views) {
      for (const view of views) view.shared = flag(view.shared)
    },
    inUse: addressScopeInUse,
    hooks: {
      async created(tx, _context, input, id) {
        const object = { type, id, project_id: String(input.project_id) }
        if (input.shared === true) await openToAll(tx, object, 'access_as_shared')
      },
      async updating(tx, _context, current, changes) {
        if (changes.shared === undefined || changes.shared === current.shared) return undefined
        if (changes.shared === false) {
          throw addressScopeUpdateError(current.id, "Shared address scope can't be unshared")
        }
        await openToAll(
          tx,
          { type, id: current.id, project_id: String(current.project_id) },
          'access_as_shared',
        )
        return {}
      },
      removing: (tx, _context, current) => removeEntries(tx, current.id),
    },
  })
  return { ...feature, sharing }
}
