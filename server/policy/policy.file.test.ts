import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PolicyError } from '../../model/policy/rulebook.ts'
import { internalContext } from '../context.ts'
import { loadPolicy, parseOverrides } from './policy.file.ts'

const settings = { enforceNewDefaults: true, enforceScope: true }

test('a file overrides rules, an absent one nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nucleon-policy-'))
  const file = join(directory, 'policy.yaml')
  const context = { ...internalContext('r'), roles: ['auditor'], isAdmin: false, projectId: 'p' }
  try {
    const before = await loadPolicy({ ...settings, file })
    assert.equal(before.access(context).may('get_agent', {}), false)
    await writeFile(file, '# agents\n"get_agent": >-\n  rule:admin_only\n  or role:auditor\n')
    const after = await loadPolicy({ ...settings, file })
    assert.equal(after.access(context).may('get_agent', {}), true)
    await writeFile(file, '"get_agent": "role:auditor and"\n')
    await assert.rejects(loadPolicy({ ...settings, file }), (error) => {
      assert.ok(error instanceof PolicyError)
      assert.match(error.message, /policy\.yaml: rule 'get_agent': expected a check \(column 17\)/)
      return true
    })
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('files of policy_dirs stand above the file, in the order of their names', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nucleon-policy-'))
  const context = { ...internalContext('r'), roles: ['auditor'], isAdmin: false, projectId: 'p' }
  const auditor = '"get_agent": "role:auditor"\n'
  try {
    const [file, more] = [join(directory, 'policy.yaml'), join(directory, 'policy.d')]
    await writeFile(file, '"get_agent": "!"\n')
    await mkdir(join(more, 'b'), { recursive: true })
    await writeFile(join(more, 'a.yaml'), '"get_agent": "!"\n')
    await writeFile(join(more, '.hidden.yaml'), 'no: [policy]')
    const may = async (directories: string[]) =>
      (await loadPolicy({ ...settings, file, directories })).access(context).may('get_agent', {})
    assert.equal(await may([more, join(directory, 'absent')]), false)
    await writeFile(join(more, 'b', 'c.yaml'), auditor)
    assert.equal(await may([more]), true)
    assert.equal(await may([]), false)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('policy_default_rule stands in for rules that do not exist', async () => {
  const context = { ...internalContext('r'), roles: ['member'], isAdmin: false, projectId: 'p' }
  const may = async (defaultRule: string) =>
    (await loadPolicy({ ...settings, defaultRule })).access(context).may('get_nonsense', { project_id: 'q' })
  assert.equal(await may('default'), false)
  assert.equal(await may('shared'), false)
  assert.equal(await may('regular_user'), true)
})

test('a file that is no mapping of texts is refused with its place', () => {
  assert.throws(() => parseOverrides('p.yaml', 'a: b: c'), /p\.yaml:1:\d+: /)
  assert.throws(() => parseOverrides('p.yaml', '- a'), /p\.yaml: it is not a mapping/)
  assert.throws(() => parseOverrides('p.yaml', 'a: [x]'), /p\.yaml: rule 'a': it is not a text/)
  assert.equal(parseOverrides('p.yaml', '').rules.size, 0)
})

test('what is left of a rule is kept for each kind of token, not for each request', async () => {
  const policy = await loadPolicy(settings)
  const one = internalContext('r1')
  assert.equal(policy.access(one), policy.access({ ...one, requestId: 'r2' }))
  assert.notEqual(policy.access(one), policy.access({ ...one, projectId: 'p' }))
  assert.notEqual(policy.access(one), policy.access({ ...one, roles: ['reader'] }))
})
