/** Segments: the wires that a network is made of. */
import { integer } from '../fields/integer.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'

/** A segment belongs to whom its network belongs; the names are taken, and not told. */
const nobody = attribute(string(255), { write: 'create', required: true, visible: false })

export const segment = resource('segment', {
  standard: 'untagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    tenant_id: nobody,
    project_id: nobody,
    network_id: attribute(uuid, { write: 'create', required: true, filter: true, sort: true }),
    name: attribute(orNull(string(255)), { write: 'always', filter: true, sort: true }),
    network_type: attribute(string(32), { write: 'create', required: true, filter: true, sort: true }),
    physical_network: attribute(string(64), { write: 'create', filter: true, sort: true }),
    segmentation_id: attribute(integer, { write: 'create', sort: true }),
  },
})
