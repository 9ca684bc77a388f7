/** Quotas: limits of projects, what is used of them, and the check that a limit is not below that. */
import { type Extension, extension } from '../resource.ts'
import { quota } from '../resources/quota.ts'

export const quotas = extension('quotas', {
  name: 'Quota management support',
  description: 'How many objects of each resource a project may have',
  updated: '2012-07-29T10:00:00-00:00',
  resources: [quota],
})

export const quotaDetails = extension('quota_details', {
  name: 'Quota details management support',
  description: 'What a project has used of its quotas',
  updated: '2017-02-10T10:00:00-00:00',
  requires: ['quotas'],
})

export const quotaCheckLimit = extension('quota-check-limit', {
  name: 'Quota engine limit check',
  description: 'A limit below what is used can be refused',
  updated: '2021-09-08T16:00:00-00:00',
})

export const quotaCheckLimitDefault = extension('quota-check-limit-default', {
  name: 'Quota engine limit check by default',
  description: 'A limit below what is used is refused unless it is forced',
  updated: '2024-08-21T16:00:00-00:00',
  requires: ['quota-check-limit'],
})

export const quotaExtensions: readonly Extension[] = [
  quotas,
  quotaDetails,
  quotaCheckLimit,
  quotaCheckLimitDefault,
]
