/** Extensions that say how the API itself behaves; they add no attribute. */
import { type Extension, extension } from '../resource.ts'

export const sorting = extension('sorting', {
  name: 'Sorting support',
  description: 'Lists can be sorted by several keys',
  updated: '2016-06-12T00:00:00-00:00',
})

export const sortKeyValidation = extension('sort-key-validation', {
  name: 'Sort keys validation',
  description: 'Unknown sort keys are refused',
  updated: '2018-07-04T10:00:00-00:00',
  requires: ['sorting'],
})

export const pagination = extension('pagination', {
  name: 'Pagination support',
  description: 'Lists can be read in pages',
  updated: '2016-06-12T00:00:00-00:00',
})

export const projectId = extension('project-id', {
  name: 'project_id field enabled',
  description: 'The owner of a resource is also called project_id',
  updated: '2016-09-09T09:09:09-09:09',
})

export const emptyStringFiltering = extension('empty-string-filtering', {
  name: 'Empty String Filtering Extension',
  description: 'A filter may ask for the empty string',
  updated: '2018-05-01T10:00:00-00:00',
})

export const filterValidation = extension('filter-validation', {
  name: 'Filter parameters validation',
  description: 'Unknown filters are refused',
  updated: '2018-07-04T10:00:00-00:00',
})

export const revisionIfMatch = extension('revision-if-match', {
  name: 'If-Match constraints based on revision_number',
  description: 'A change can be made to depend on the revision that the client knows',
  updated: '2016-12-11T00:00:00-00:00',
  requires: ['standard-attr-revisions'],
})

/** What server/api does whatever is loaded. */
export const apiExtensions: readonly Extension[] = [
  sorting,
  sortKeyValidation,
  pagination,
  projectId,
  emptyStringFiltering,
  filterValidation,
]
