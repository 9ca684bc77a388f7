/** Single requests to the API, timed from sending until the whole answer is there. */
import { request } from 'undici'
import { createClient } from '../../client/http.ts'
import { type CloudName, readCloud } from '../state/layout.ts'
import type { Bench } from './bench.place.ts'

export type Body = Record<string, unknown>

/** Sends one request; answers its body and the milliseconds. Throws on an answer of 400 or more. */
export type Timed = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: Body,
) => Promise<[Body, number]>

/** Logs in once; its token is not renewed. A path is what stands after /v2.0/. */
export async function timedClient({ layout }: Bench, cloud: CloudName = 'admin'): Promise<Timed> {
  const client = createClient(readCloud(layout, cloud))
  const { endpoint, token } = await client.session()
  await client.close()
  return async (method, path, body) => {
    const started = performance.now()
    const answer = await request(`${endpoint}/v2.0/${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const parts: Buffer[] = []
    for await (const part of answer.body) parts.push(part)
    const took = performance.now() - started
    const text = Buffer.concat(parts).toString()
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    const shown = (text === '' ? {} : JSON.parse(text)) as Body
    return [shown, took]
  }
}

/** The object that a body of one holds. */
export const only = (body: Body): Body & { id: string } => Object.values(body)[0] as Body & { id: string }
