/** A rule's SQL and its decision in memory agree, row by row, on random rules and rows. */
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { defaultRules } from '../../model/policy/defaults.ts'
import { decide } from '../../model/policy/residual.ts'
import { type Credentials, createRuleBook } from '../../model/policy/rulebook.ts'
import { forEachEngine } from '../store/testing.ts'
import { predicateOf } from './predicate.ts'

/** A small generator of the same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const checks = [
  'project_id:%(project_id)s',
  'tenant_id:%(network:tenant_id)s',
  'field:networks:shared=True',
  'field:networks:shared=False',
  'field:subnets:router:external=True',
  'field:port:device_owner=~^network:',
  "'p2':%(project_id)s",
  'user_id:%(nothing)s',
  'role:member',
  'role:admin',
  '@',
  '!',
]

function ruleOf(random: () => number, depth: number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const kind = depth === 0 ? 0 : random()
  if (kind < 0.3) return pick(checks)
  if (kind < 0.5) return `not (${ruleOf(random, depth - 1)})`
  const word = kind < 0.75 ? ' and ' : ' or '
  return `(${ruleOf(random, depth - 1)}${word}${ruleOf(random, depth - 1)})`
}

const owners = ['p1', 'p2', '', null]
const devices = ['network:dhcp', 'compute:nova', 'xnetwork:', '', null]

forEachEngine('the SQL of a rule selects the rows that fulfil it', async ({ store }) => {
  const random = randomOf(20260131)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const rows = Array.from({ length: 60 }, (_, id) => ({
    id,
    project_id: pick(owners),
    'network:project_id': pick(owners),
    'network:shared': pick([0, 1]),
    'network:router:external': pick([0, 1]),
    device_owner: pick(devices),
  }))
  const values = sql.join(
    rows.map(
      (row) =>
        sql`(cast(${row.id} as integer), cast(${row.project_id} as text), cast(${row['network:project_id']} as text),
          cast(${row['network:shared']} as integer), cast(${row['network:router:external']} as integer),
          cast(${row.device_owner} as text))`,
    ),
  )
  const columns: Record<string, string> = {
    project_id: 'project_id',
    'network:project_id': 'network_project',
    'network:shared': 'network_shared',
    'network:router:external': 'network_external',
    device_owner: 'device_owner',
  }
  const columnOf = (name: string) => (columns[name] ? sql.ref(columns[name]) : undefined)
  const credentials: Credentials[] = [
    { roles: ['member'], values: { project_id: 'p1', tenant_id: 'p1', user_id: 'u' }, scope: 'project' },
    { roles: [], values: { project_id: '', tenant_id: '' }, scope: 'project' },
    { roles: ['admin'], values: { project_id: null, tenant_id: null }, scope: 'project' },
  ]
  const rules = Array.from({ length: 150 }, () => ruleOf(random, 4))
  const book = createRuleBook(
    [],
    { enforceNewDefaults: true, enforceScope: true },
    { source: 'test', rules: new Map(rules.map((rule, i) => [`r${i}`, rule])) },
  )
  const defaults = createRuleBook(defaultRules, { enforceNewDefaults: true, enforceScope: true })
  const residuals = credentials.flatMap((one) => [
    ...rules.map((rule, i) => ({ rule, residual: book.residual(`r${i}`, one) })),
    ...['get_network', 'get_subnet', 'get_port'].map((rule) => ({
      rule,
      residual: defaults.residual(rule, one),
    })),
  ])
  let constants = 0
  await store.read(async (tx) => {
    for (const { rule, residual } of residuals) {
      if (typeof residual === 'boolean') constants++
      const { rows: found } = await sql<{ id: number }>`
        with t (id, project_id, network_project, network_shared, network_external, device_owner) as (values ${values})
        select id from t where ${predicateOf(residual, columnOf)} order by id`.execute(tx.db)
      const expected = rows.filter((row) => decide(residual, row)).map((row) => row.id)
      assert.deepEqual(
        found.map((row) => Number(row.id)),
        expected,
        rule,
      )
    }
  })
  assert.ok(residuals.length - constants > 100, 'most rules depend on the row')
})
