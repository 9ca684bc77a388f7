/** The project that an object belongs to, under its two names; the API keeps them equal and features see project_id. */
import { string } from '../fields/string.ts'
import { attribute } from '../resource.ts'

const project = attribute(string(255), {
  write: 'create',
  required: true,
  filter: true,
  sort: true,
  requiredByPolicy: true,
})

export const owner = { tenant_id: project, project_id: project }

const plain = attribute(string(255), { write: 'create', required: true, requiredByPolicy: true })

/** Where Neutron neither filters nor sorts by the owner. */
export const plainOwner = { tenant_id: plain, project_id: plain }
