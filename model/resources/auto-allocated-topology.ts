/** The network that a project is given when it asks for one. */
import { derived } from '../fields/derived.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'

/** What `?fields=dry-run` answers in the place of an id, and the value of `fields` that asks for it. */
export const rehearsal = { field: 'dry-run', passed: 'dry-run=pass' } as const

const owner = attribute(string(255), { write: 'never' })

export const autoAllocatedTopology = resource('auto_allocated_topology', {
  collection: 'auto_allocated_topology',
  operations: ['show', 'delete'],
  attributes: {
    // Of the network. The object itself goes by the id of its project.
    id: attribute(derived<string>({ anyOf: [uuid.schema, { const: rehearsal.passed }] }), { write: 'never' }),
    tenant_id: owner,
    project_id: owner,
  },
})
