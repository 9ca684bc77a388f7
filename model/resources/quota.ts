/** Quotas of a project: a limit for each resource that is declared with one; compose() adds these attributes. */
import { boolean } from '../fields/boolean.ts'
import { string } from '../fields/string.ts'
import { attribute, resource } from '../resource.ts'

export const quota = resource('quota', {
  operations: ['list', 'show', 'update', 'delete'],
  attributes: {
    project_id: attribute(string(255), { write: 'never' }),
    tenant_id: attribute(string(255), { write: 'never' }),
    /** Sets a limit below what is there. */
    force: attribute(boolean, { write: 'update', visible: false }),
    /** Refuses such a limit, which is what happens anyway. */
    check_limit: attribute(boolean, { write: 'update', visible: false }),
  },
})
