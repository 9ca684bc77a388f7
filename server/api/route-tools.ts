/** What the routes of all kinds share: what they are given, and what they ask of a request and of the store. */
import type { FastifyRequest } from 'fastify'
import { badRequest } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import type { Policy } from '../policy/policy.ts'
import type { Quotas } from '../quota/quotas.ts'
import type { Store, WriteOptions } from '../store/store.ts'
import type { ListRules } from './list-query.ts'
import type { Served } from './served.ts'

/** What every route needs. */
export interface RouteTools {
  store: Store
  policy: Policy
  validateFilters: boolean
  /** [DEFAULT] pagination_max_limit; undefined: none. */
  maxLimit: number | undefined
  /** revision-if-match is loaded. */
  ifMatch: boolean
  /** [DEFAULT] allow_bulk. */
  allowBulk: boolean
  quotas: Quotas
}

/** How a write of that caller is noted; `serialize` as the store takes it. */
export function writeOptions(context: Context, serialize?: readonly string[]): WriteOptions {
  return { requestId: context.requestId, userId: context.userId, ...(serialize && { serialize }) }
}

/** What a query string may ask of a list. */
export function listRules(tools: RouteTools, served: Served): ListRules {
  return { attributes: served.attributes, validateFilters: tools.validateFilters, maxLimit: tools.maxLimit }
}

/** Throws 400 where a DELETE brings a body. */
export function refuseBody(request: FastifyRequest): void {
  if (request.body !== undefined && request.body !== null) throw badRequest('Body is not supported in DELETE')
}
