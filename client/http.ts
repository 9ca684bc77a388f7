/**
 * A client of the Networking API: logs in at the identity service with a password, finds the network endpoint in
 * the catalogue, and speaks JSON. The token is fetched at the first call and anew when it is refused.
 */
import { Agent } from 'undici'
import { parseExact } from '../lib/json.ts'

/** Who logs in where, as one entry of clouds.yaml says it. */
export interface Cloud {
  /** Identity endpoint with its version: `http://127.0.0.1:5000/v3`. */
  authUrl: string
  username: string
  password: string
  projectName: string
  /** Id of the domain of user and project. */
  domainId: string
}

/** An answer of 400 or above. `type` is Neutron's error type (`NetworkNotFound`) where the body has one. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string | null
  constructor(method: string, path: string, status: number, type: string | null, message: string) {
    super(`${method} ${path}: ${status} ${type ?? ''} ${message}`.replaceAll(/ +/g, ' '))
    this.name = 'ApiError'
    this.status = status
    this.type = type
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Query of a list: a value, or several of which any matches. */
export type Filters = Record<string, string | readonly string[]>

export interface Client {
  /** Calls the Networking API; `path` begins after `/v2.0`. Answers the parsed body, undefined if there is none. */
  request(method: Method, path: string, body?: unknown): Promise<unknown>
  /** The project that the token is for. */
  projectId(): Promise<string>
  /** Logs in if need be; for those who make requests of their own. */
  session(): Promise<Session>
  close(): Promise<void>
}

/** A login: the token, and the endpoint that the catalogue names (without `/v2.0`). */
export interface Session {
  token: string
  endpoint: string
  projectId: string
}

interface TokenBody {
  token: {
    project?: { id: string }
    catalog?: { type: string; endpoints: { interface: string; url: string }[] }[]
  }
}

function loginBody(cloud: Cloud): unknown {
  const domain = { id: cloud.domainId }
  return {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: cloud.username, password: cloud.password, domain } },
      },
      scope: { project: { name: cloud.projectName, domain } },
    },
  }
}

/** Type and message of an error body: Neutron's, Keystone's, or neither. */
function faultOf(text: string): { type: string | null; message: string } {
  try {
    const body: { NeutronError?: unknown; error?: unknown } = JSON.parse(text)
    const fault = body.NeutronError ?? body.error
    if (typeof fault === 'string') return { type: null, message: fault }
    const { type, title, message } = fault as { type?: string; title?: string; message?: string }
    return { type: type ?? title ?? null, message: message ?? '' }
  } catch {
    return { type: null, message: text.slice(0, 500) }
  }
}

/** Calls time out after 30 s. Connection failures come out as undici's errors. */
export function createClient(cloud: Cloud): Client {
  const dispatcher = new Agent({ connections: 64, headersTimeout: 30_000, bodyTimeout: 30_000 })
  let session: Promise<Session> | undefined

  async function call(base: string, method: Method, path: string, token: string | null, body?: unknown) {
    const { origin, pathname } = new URL(base)
    const response = await dispatcher.request({
      origin,
      path: `${pathname.replace(/\/$/, '')}${path}`,
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { 'x-auth-token': token }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.body.text()
    if (response.statusCode >= 400) {
      const { type, message } = faultOf(text)
      throw new ApiError(method, path, response.statusCode, type, message)
    }
    return { headers: response.headers, body: text === '' ? undefined : parseExact(text) }
  }

  async function logIn(): Promise<Session> {
    const answer = await call(cloud.authUrl, 'POST', '/auth/tokens', null, loginBody(cloud))
    const token = answer.headers['x-subject-token']
    const { project, catalog } = (answer.body as TokenBody).token
    const endpoint = catalog
      ?.find((service) => service.type === 'network')
      ?.endpoints.find((each) => each.interface === 'public')
    if (typeof token !== 'string' || endpoint === undefined) {
      throw new Error(`${cloud.authUrl} gives ${cloud.username} no network endpoint`)
    }
    return { token, endpoint: endpoint.url.replace(/\/$/, ''), projectId: project?.id ?? '' }
  }

  function ensureSession(): Promise<Session> {
    session ??= logIn().catch((error: unknown) => {
      session = undefined
      throw error
    })
    return session
  }

  return {
    async request(method, path, body) {
      const { token, endpoint } = await ensureSession()
      try {
        return (await call(endpoint, method, `/v2.0${path}`, token, body)).body
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) throw error
        session = undefined
        const renewed = await ensureSession()
        return (await call(renewed.endpoint, method, `/v2.0${path}`, renewed.token, body)).body
      }
    },
    session: ensureSession,
    projectId: async () => (await ensureSession()).projectId,
    close: () => dispatcher.close(),
  }
}
