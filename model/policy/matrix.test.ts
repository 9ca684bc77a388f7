/** Every rule of the facts, decided for roles and kinds of objects, as oslo.policy decides it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { rule } from './default-rule.ts'
import { decide } from './residual.ts'
import { createRuleBook } from './rulebook.ts'

type Table = Record<string, Record<string, string>>

interface Matrix {
  roles: Record<string, string[]>
  targets: Record<string, Record<string, unknown>>
  plain: Record<string, unknown>
  meant: Record<string, Record<string, unknown>>
  rules: Table
  with_older_rules: Table
}

interface Fact {
  name: string
  check_str: string
  scope_types?: string[]
  deprecated?: { name: string; check_str: string }
}

const facts = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`../../test/facts/${file}`, import.meta.url), 'utf8')) as T

const matrix = facts<Matrix>('policy-matrix.json')
const defaults = facts<Fact[]>('policies.json').map((fact) =>
  rule(fact.name, fact.check_str, {
    anyScope: fact.scope_types === undefined,
    ...(fact.deprecated && { replaces: { name: fact.deprecated.name, check: fact.deprecated.check_str } }),
  }),
)

for (const [name, newOnly, expected] of [
  ['the present rules alone', true, matrix.rules],
  ['older rules as well', false, matrix.with_older_rules],
] as const) {
  test(`oslo.policy's answers: ${name}`, () => {
    const book = createRuleBook(defaults, { enforceNewDefaults: newOnly, enforceScope: newOnly })
    const rows = Object.entries(expected)
    assert.ok(defaults.every((one) => expected[one.name] !== undefined))
    assert.equal(rows.length, defaults.length + Object.keys(matrix.meant).length)
    for (const [label, row] of rows) {
      const [ruleName = '', value] = label.split('=')
      const asked = { ...matrix.plain, ...(value && matrix.meant[ruleName]) }
      const found = Object.entries(matrix.targets).map(([where, target]) => [
        where,
        Object.entries(matrix.roles)
          .filter(([, roles]) => {
            const values = { project_id: 'here', tenant_id: 'here', user_id: 'somebody' }
            const residual = book.residual(ruleName, { roles, values, scope: 'project' })
            return decide(residual, { ...target, ...asked })
          })
          .map(([role]) => role)
          .join(' '),
      ])
      assert.deepEqual(Object.fromEntries(found), row, label)
    }
  })
}
