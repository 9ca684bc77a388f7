/** The API's own reference: /openapi.json, and /reference for people. Neither needs a token. */
import type { FastifyInstance } from 'fastify'
import { openApiOf } from '../../model/openapi/openapi.ts'
import type { Model } from '../../model/resource.ts'
import { refuseOtherMethods } from './http.ts'
import { referencePage } from './reference.page.ts'

/** Both are made at the first request, and kept. */
export function referenceRoutes(app: FastifyInstance, model: Model): void {
  const kept: { document?: Buffer; page?: Buffer } = {}
  app.get('/openapi.json', { config: { public: true } }, (_request, reply) => {
    kept.document ??= Buffer.from(JSON.stringify(openApiOf(model)))
    return reply.header('content-type', 'application/json').send(kept.document)
  })
  app.get('/reference', { config: { public: true } }, (_request, reply) => {
    kept.page ??= Buffer.from(referencePage(openApiOf(model)))
    return reply
      .header('content-type', 'text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
      )
      .header('x-content-type-options', 'nosniff')
      .send(kept.page)
  })
  refuseOtherMethods(app, '/openapi.json', ['GET'])
  refuseOtherMethods(app, '/reference', ['GET'])
}
