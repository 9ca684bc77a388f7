/** RBAC policies: entries that let other projects use an object. */
import { rbacObjectType } from '../fields/rbac-object-type.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'

/** No sort keys but those that every list has. */
const project = attribute(string(255), {
  write: 'create',
  required: true,
  filter: true,
  requiredByPolicy: true,
})

export const rbacPolicy = resource('rbac_policy', {
  collection: 'rbac_policies',
  quota: true,
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true }),
    tenant_id: project,
    project_id: project,
    object_type: attribute(rbacObjectType, {
      write: 'create',
      default: null,
      filter: true,
      enforcePolicy: true,
    }),
    object_id: attribute(uuid, { write: 'create', required: true, filter: true, enforcePolicy: true }),
    action: attribute(string(255), { write: 'create', required: true, filter: true, enforcePolicy: true }),
    target_tenant: attribute(string(255), {
      write: 'always',
      required: true,
      filter: true,
      enforcePolicy: true,
    }),
  },
})
