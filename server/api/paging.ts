/** Links to the pages before and after: `<collection>_links`. */
import type { FastifyRequest } from 'fastify'
import { baseUrlOf } from './http.ts'
import type { ListQuery } from './list-query.ts'

interface Link {
  rel: 'next' | 'previous'
  href: string
}

/** The key to add to a list's answer; nothing where no limit holds or there is no other page. */
export function pageLinks(
  request: FastifyRequest,
  collection: string,
  { limit, reverse }: ListQuery,
  ids: readonly string[],
): Record<string, Link[]> {
  if (limit === undefined || ids.length === 0) return {}
  const short = ids.length < limit
  const links: Link[] = []
  // A short page is the last one in the direction of reading.
  if (!short || reverse) links.push({ rel: 'next', href: hrefOf(request, ids.at(-1), false) })
  if (!short || !reverse) links.push({ rel: 'previous', href: hrefOf(request, ids[0], true) })
  return { [`${collection}_links`]: links }
}

function hrefOf(request: FastifyRequest, marker: string | undefined, reverse: boolean): string {
  const [path = '', query = ''] = request.originalUrl.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.delete('page_reverse')
  parameters.set('marker', marker ?? '')
  if (reverse) parameters.set('page_reverse', 'True')
  return `${baseUrlOf(request)}${path}?${parameters}`
}
