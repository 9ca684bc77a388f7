/**
 * No authentication: a request says itself who it comes from, and is an administrator's unless it says otherwise.
 * For tests and trials on one machine; refused beyond loopback.
 */
import { isIP } from 'node:net'
import type { Context } from '../context.ts'
import { header, type Identity } from './identity.ts'

export const noauthIdentity: Identity = {
  async authenticate(headers): Promise<Context> {
    const projectId = header(headers, 'x-project-id') ?? header(headers, 'x-tenant-id') ?? null
    const roles = (header(headers, 'x-roles') ?? 'admin,member,reader')
      .split(',')
      .map((role) => role.trim())
      .filter((role) => role !== '')
    return {
      requestId: '',
      userId: header(headers, 'x-user-id') ?? null,
      userName: header(headers, 'x-user-name') ?? null,
      projectId,
      projectName: header(headers, 'x-project-name') ?? projectId,
      roles,
      isAdmin: roles.includes('admin'),
      scope: 'project',
    }
  },
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return bare === '::1' || bare === 'localhost'
}
