/** Attributes of every resource that is declared `standard`: description, timestamps, revision number, tags. */
import { timestamp } from '../fields/derived.ts'
import { integer } from '../fields/integer.ts'
import { uniqueStrings } from '../fields/lists.ts'
import { string } from '../fields/string.ts'
import { type Attributes, attribute, extension, type StandardAddition, to } from '../resource.ts'
import { port } from '../resources/port.ts'

const toAll = (attributes: Attributes): StandardAddition => ({ taggedOnly: false, attributes })

export const standardDescription = extension('standard-attr-description', {
  name: 'standard-attr-description',
  description: 'A description on every resource with standard attributes',
  updated: '2016-02-10T10:00:00-00:00',
  addsToStandard: toAll({
    description: attribute(string(255), { write: 'always', default: '', filter: true }),
  }),
})

export const standardTimestamp = extension('standard-attr-timestamp', {
  name: 'Resource timestamps',
  description: 'When a resource was created and last changed; changed_since in lists',
  updated: '2016-09-12T10:00:00-00:00',
  addsToStandard: toAll({
    created_at: attribute(timestamp, { write: 'never' }),
    updated_at: attribute(timestamp, { write: 'never' }),
  }),
})

export const standardRevisions = extension('standard-attr-revisions', {
  name: 'Resource revision numbers',
  description: 'A number that grows with each change of a resource',
  updated: '2016-04-11T10:00:00-00:00',
  addsToStandard: toAll({ revision_number: attribute(integer, { write: 'never', filter: true }) }),
})

const tags = uniqueStrings(255)
const tagFilter = attribute(tags, { write: 'never', visible: false, filter: true })

export const standardTag = extension('standard-attr-tag', {
  name: 'Tag support for resources with standard attribute: network, port, subnet',
  description: 'Words that users attach to resources and filter by',
  updated: '2017-01-01T00:00:00-00:00',
  addsToStandard: {
    taggedOnly: true,
    attributes: {
      tags: attribute(tags, { write: 'never', filter: true }),
      'tags-any': tagFilter,
      'not-tags': tagFilter,
      'not-tags-any': tagFilter,
    },
  },
})

const tagsAtBirth = { tags: attribute(tags, { write: 'create', default: [], filter: true }) }

export const tagPortsDuringBulkCreation = extension('tag-ports-during-bulk-creation', {
  name: 'Tag Ports During Bulk Creation',
  description: 'Ports are created with tags',
  updated: '2019-12-29T19:00:00-00:00',
  adds: [to(port, tagsAtBirth)],
})

export const tagCreation = extension('tag-creation', {
  name: 'Tag creation extension',
  description: 'Whatever has tags is created with tags',
  updated: '2024-23-07T10:00:00-00:00',
  requires: ['standard-attr-tag'],
  addsToStandard: { taggedOnly: true, attributes: tagsAtBirth },
})
