import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { ApiError, createClient } from '../client/http.ts'
import { NotOne } from '../client/resources.ts'
import { describeError, UserError } from './errors.ts'

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('it succeeds'),
    (error: unknown) => error,
  )

/** A port of 127.0.0.1 where nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('ordinary mistakes are told in words, defects with where they happened', async () => {
  const port = await closedPort()
  const client = createClient({
    authUrl: `http://127.0.0.1:${port}/v3`,
    username: 'u',
    password: 'p',
    projectName: 'p',
    domainId: 'default',
  })
  const refused = await failureOf(client.request('GET', '/networks'))
  await client.close()
  const fetched = await failureOf(fetch(`http://127.0.0.1:${port}/`))
  const socket = await failureOf(once(connect('/nowhere/at.sock'), 'connect'))
  const denied = Object.assign(new Error('EACCES: permission denied'), {
    code: 'EACCES',
    path: '/state/secrets.json',
  })
  const nobody = `nucleon: nobody answers at 127.0.0.1:${port}\n  Does it run? The all-in-one is started by: nucleon up`
  assert.equal(describeError(refused), nobody)
  assert.equal(describeError(fetched), nobody)
  assert.equal(describeError(denied), 'nucleon: permission denied: /state/secrets.json\n  Run it with sudo.')
  assert.equal(
    describeError(new ApiError('POST', '/ports', 409, 'OverQuota', 'Quota exceeded')),
    'nucleon: POST /ports: 409 OverQuota Quota exceeded',
  )
  assert.equal(describeError(new NotOne('there is no network x')), 'nucleon: there is no network x')
  assert.equal(describeError(new UserError('m', 'one\ntwo')), 'nucleon: m\n  one\n  two')
  assert.match(describeError(socket), /^nucleon: unexpected: .*ENOENT.*\n {4}at /s)
})
