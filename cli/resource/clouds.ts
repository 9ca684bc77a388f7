/** clouds.yaml, as far as a password log-in needs it. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Cloud } from '../../client/http.ts'
import { UserError } from '../errors.ts'

interface Entry {
  auth?: Record<string, string | undefined>
}

/** The named cloud, or the one of OS_CLOUD, or `admin`; from OS_CLIENT_CONFIG_FILE, the state, or the usual places. */
export function cloudOf(name: string | undefined, state: string, env: NodeJS.ProcessEnv): Cloud {
  const named = env.OS_CLIENT_CONFIG_FILE
  const places = named
    ? [named]
    : [
        'clouds.yaml',
        join(state, 'clouds.yaml'),
        join(homedir(), '.config/openstack/clouds.yaml'),
        '/etc/openstack/clouds.yaml',
      ]
  const denied: string[] = []
  for (const place of places) {
    let text: string
    try {
      text = readFileSync(place, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') denied.push(place)
      continue
    }
    const clouds = ((parse(text) as { clouds?: Record<string, Entry> } | null)?.clouds ?? {}) as Record<
      string,
      Entry
    >
    const wanted = name ?? env.OS_CLOUD ?? (clouds.admin ? 'admin' : Object.keys(clouds)[0])
    const entry = wanted === undefined ? undefined : clouds[wanted]
    if (!entry)
      throw new UserError(`${place} has no cloud ${wanted}`, `It has ${Object.keys(clouds).join(', ')}.`)
    const { auth_url, username, password, project_name, project_domain_id, user_domain_id } = entry.auth ?? {}
    if (!auth_url || !username || !password || !project_name) {
      throw new UserError(`${place}: cloud ${wanted} lacks auth_url, username, password or project_name`)
    }
    const authUrl = /\/v3\/?$/.test(auth_url)
      ? auth_url.replace(/\/$/, '')
      : `${auth_url.replace(/\/$/, '')}/v3`
    const domainId = project_domain_id ?? user_domain_id ?? 'default'
    return { authUrl, username, password, projectName: project_name, domainId }
  }
  if (denied.length > 0) throw new UserError(`permission denied: ${denied.join(', ')}`, 'Run it with sudo.')
  throw new UserError(`there is no clouds.yaml: looked for ${places.join(', ')}`, 'Start a cloud: nucleon up')
}
