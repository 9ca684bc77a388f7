import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, verifyPassword } from './passwords.ts'
import { withImplied } from './roles.ts'

test('a hash verifies its password alone and shows nothing of it', async () => {
  const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  assert.notEqual(first, second)
  assert.doesNotMatch(first, /horse/)
  assert.equal(await verifyPassword('correct horse', first), true)
  assert.equal(await verifyPassword('correct horsf', first), false)
  assert.equal(await verifyPassword('correct horse', null), false)
  assert.equal(await verifyPassword('correct horse', 'plain$text'), false)
})

test('the same text in another Unicode form is the same password', async () => {
  assert.equal(await verifyPassword('e\u0301', await hashPassword('\u00e9')), true)
})

test('hashing leaves the event loop free', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await Promise.all([hashPassword('a'), hashPassword('b'), hashPassword('c')])
  clearInterval(timer)
  assert.ok(turns > 3, `${turns} turns`)
})

test('implied roles are followed to the end, also in a circle', () => {
  const implications = [
    { prior_role_id: 'admin', implied_role_id: 'member' },
    { prior_role_id: 'member', implied_role_id: 'reader' },
    { prior_role_id: 'reader', implied_role_id: 'member' },
  ]
  assert.deepEqual([...withImplied(['admin'], implications)], ['admin', 'member', 'reader'])
  assert.deepEqual([...withImplied(['reader'], implications)], ['reader', 'member'])
  assert.deepEqual([...withImplied([], implications)], [])
})
