import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, noauthIdentity } from './noauth.ts'

test('without headers an administrator asks', async () => {
  const context = await noauthIdentity.authenticate({})
  assert.deepEqual(
    [context.isAdmin, context.roles, context.projectId],
    [true, ['admin', 'member', 'reader'], null],
  )
})

test('headers say who asks', async () => {
  const headers = { 'x-tenant-id': 'blue', 'x-user-id': 'u', 'x-roles': 'member, reader' }
  const context = await noauthIdentity.authenticate(headers)
  assert.deepEqual([context.isAdmin, context.projectId, context.userId], [false, 'blue', 'u'])
  assert.deepEqual(context.roles, ['member', 'reader'])
})

test('loopback is what only this machine reaches', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])
    assert.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.example.org', '']) assert.ok(!isLoopback(host), host)
})
