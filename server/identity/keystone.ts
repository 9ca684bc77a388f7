/** Contexts from the tokens of a real Keystone ([keystone_authtoken]): validated there, believed for a while. */
import { request } from 'undici'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Context } from '../context.ts'
import { header, type Identity, IdentityUnavailable, Unauthorized } from './identity.ts'

export interface KeystoneSettings {
  /** Where tokens are validated: `http://controller:5000` or `…/v3`. */
  authUrl: string
  /** Told to clients without a valid token. */
  publicUrl: string
  /** The service's own user, who may validate tokens. */
  username: string
  password: string
  userDomain: DomainName
  projectName: string
  projectDomain: DomainName
  /** Seconds that a validated token is believed; 0 and below: it is asked about each time. */
  cacheTime: number
}

export type DomainName = { id: string } | { name: string }

export interface KeystoneOptions {
  settings: KeystoneSettings
  clock: Clock
  log: Logger
  /** Most tokens remembered at once. Default 10000. */
  capacity?: number
}

/** Milliseconds that Keystone may take to answer. */
const patience = 10_000

interface TokenBody {
  expires_at: string
  user: { id: string; name: string }
  project?: { id: string; name: string }
  domain?: { id: string }
  system?: { all: boolean }
  roles?: { name: string }[]
}

/** Calls nobody before the first request. IdentityUnavailable also where Keystone refuses the service's own user. */
export function createKeystoneIdentity({
  settings,
  clock,
  log,
  capacity = 10_000,
}: KeystoneOptions): Identity {
  const base = `${settings.authUrl.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3`
  const memory = new Map<string, { context: Context; until: number }>()
  let own: Promise<string> | undefined

  /** The service's token, asked for once for all who need it. */
  function ownToken(): Promise<string> {
    own ??= login().catch((error: unknown) => {
      own = undefined
      throw error
    })
    return own
  }

  async function login(): Promise<string> {
    const { username, password, userDomain, projectName, projectDomain } = settings
    const user = { name: username, domain: userDomain, password }
    const { statusCode, headers, body } = await ask('POST', {
      auth: {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: projectName, domain: projectDomain } },
      },
    })
    await body.dump()
    const token = header(headers, 'x-subject-token')
    if (statusCode === 201 && token !== undefined) return token
    log.error({ status: statusCode, username }, 'Keystone refuses the user of [keystone_authtoken]')
    throw new IdentityUnavailable('Keystone refuses the user of this service')
  }

  async function ask(method: 'GET' | 'POST', payload?: object, headers: Record<string, string> = {}) {
    try {
      return await request(`${base}/auth/tokens${method === 'GET' ? '?nocatalog' : ''}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
        headersTimeout: patience,
        bodyTimeout: patience,
      })
    } catch (error) {
      log.warn({ err: error, url: base }, 'Keystone does not answer')
      throw new IdentityUnavailable('Keystone does not answer', { cause: error })
    }
  }

  /** Undefined when Keystone does not know the token. */
  async function validate(token: string, again = true): Promise<TokenBody | undefined> {
    const mine = await ownToken()
    const { statusCode, body } = await ask('GET', undefined, {
      'x-auth-token': mine,
      'x-subject-token': token,
    })
    if (statusCode === 200) return ((await body.json()) as { token: TokenBody }).token
    await body.dump()
    if (statusCode === 404) return undefined
    // The service's own token has run out.
    if (statusCode === 401 && again) {
      own = undefined
      return validate(token, false)
    }
    log.warn({ status: statusCode }, 'Keystone did not validate a token')
    throw new IdentityUnavailable(`Keystone answers ${statusCode}`)
  }

  return {
    async authenticate(headers) {
      const token = header(headers, 'x-auth-token')
      if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) throw new Unauthorized(settings.publicUrl)
      const known = memory.get(token)
      if (known !== undefined && known.until > clock.now().getTime()) return known.context
      memory.delete(token)
      const found = await validate(token)
      if (found === undefined) throw new Unauthorized(settings.publicUrl)
      const context = contextOf(found)
      const until = Math.min(clock.now().getTime() + settings.cacheTime * 1000, Date.parse(found.expires_at))
      if (memory.size >= capacity) {
        const [oldest] = memory.keys()
        if (oldest !== undefined) memory.delete(oldest)
      }
      memory.set(token, { context, until })
      return context
    },
  }
}

function contextOf({ user, project, domain, system, roles = [] }: TokenBody): Context {
  const names = roles.map(({ name }) => name)
  return Object.freeze({
    requestId: '',
    userId: user.id,
    userName: user.name,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    roles: names,
    isAdmin: names.includes('admin'),
    scope: project ? 'project' : domain ? 'domain' : system ? 'system' : 'none',
  })
}
