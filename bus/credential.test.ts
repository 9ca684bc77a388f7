import assert from 'node:assert/strict'
import test from 'node:test'
import { hostOf, makeCredential } from './credential.ts'

test('a credential names its host', () => {
  assert.equal(hostOf('secret', makeCredential('secret', 'compute-1.example.org')), 'compute-1.example.org')
})

test('nobody can make or change one without the secret', () => {
  const credential = makeCredential('secret', 'compute-1')
  const mac = credential.slice('compute-1.'.length)
  for (const forged of [
    makeCredential('other', 'compute-1'),
    `compute-2.${mac}`,
    `compute-1.${mac.slice(2)}`,
    `compute-1.${mac}00`,
    `compute-1.${mac}zz`,
    'compute-1.',
    'compute-1',
    '',
    `.${mac}`,
  ]) {
    assert.equal(hostOf('secret', forged), undefined, forged)
  }
})
