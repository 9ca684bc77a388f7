/** The rule language: parsing, what is left for a token, deciding; and the default rules against the facts. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defaultRules } from './defaults.ts'
import { decide, type Target } from './residual.ts'
import { parseRule, RuleSyntaxError } from './rule.ts'
import { type Credentials, createRuleBook, PolicyError } from './rulebook.ts'

test('and binds tighter than or, not tighter than both', () => {
  assert.deepEqual(parseRule('role:a or role:b and not role:c'), {
    op: 'or',
    rules: [
      { op: 'role', role: 'a' },
      {
        op: 'and',
        rules: [
          { op: 'role', role: 'b' },
          { op: 'not', rule: { op: 'role', role: 'c' } },
        ],
      },
    ],
  })
  assert.deepEqual(parseRule('(role:a or role:b) and role:c').op, 'and')
  assert.deepEqual(parseRule('not (role:a)'), { op: 'not', rule: { op: 'role', role: 'a' } })
})

test('every kind of check', () => {
  assert.deepEqual(parseRule(''), { op: 'true' })
  assert.deepEqual(parseRule('@'), { op: 'true' })
  assert.deepEqual(parseRule('!'), { op: 'false' })
  assert.deepEqual(parseRule('rule:admin_only'), { op: 'rule', name: 'admin_only' })
  assert.deepEqual(parseRule('ROLE:x OR role:Admin'), parseRule('ROLE:x or role:admin'))
  assert.deepEqual(parseRule('project_id:%(network:project_id)s'), {
    op: 'credential',
    credential: 'project_id',
    match: { attribute: 'network:project_id' },
  })
  assert.deepEqual(parseRule("'a b':%(x)s"), { op: 'literal', value: 'a b', match: { attribute: 'x' } })
  assert.deepEqual(parseRule('True:%(shared)s'), {
    op: 'literal',
    value: 'True',
    match: { attribute: 'shared' },
  })
  assert.deepEqual(parseRule('field:networks:router:external=True'), {
    op: 'field',
    resource: 'networks',
    attribute: 'router:external',
    value: 'True',
    regex: false,
  })
  assert.deepEqual(parseRule('field:port:device_owner=~^network:'), {
    op: 'field',
    resource: 'port',
    attribute: 'device_owner',
    value: '^network:',
    regex: true,
  })
})

test('what cannot be read is told with its column', () => {
  for (const [text, column] of [
    ['role:a or', 10],
    ['and role:a', 1],
    ['role:a role:b', 8],
    ['(role:a', 8],
    ['role:a)', 7],
    ['role:a and banana', 12],
    ['role:', 1],
    ["'open:%(x)s", 1],
    ['project_id:%(x)', 1],
    ['field:networks', 1],
    ['field:port:x=~[', 1],
    ['http://example.org', 1],
    ['not', 4],
    ['()', 2],
  ] as const) {
    assert.throws(
      () => parseRule(text),
      (error) => error instanceof RuleSyntaxError && error.column === column,
      text,
    )
  }
})

const strict = { enforceNewDefaults: true, enforceScope: true }
const token = (roles: string[], project: string | null = 'p1', scope: Credentials['scope'] = 'project') => ({
  roles,
  values: { project_id: project, tenant_id: project, user_id: 'u1' },
  scope,
})
const book = createRuleBook(defaultRules, strict)
const may = (rule: string, credentials: Credentials, target: Target) =>
  decide(book.residual(rule, credentials), target)

test('the default rules decide as Neutron means them', () => {
  const admin = token(['admin', 'member', 'reader'])
  const member = token(['member', 'reader'])
  const reader = token(['reader'])
  const service = token(['service'])
  const own = { project_id: 'p1' }
  const other = { project_id: 'p2' }
  for (const [expected, rule, credentials, target] of [
    [true, 'create_network', member, own],
    [false, 'create_network', reader, own],
    [false, 'create_network', member, other],
    [true, 'create_network', admin, other],
    [false, 'create_network:shared', member, own],
    [true, 'get_network', reader, own],
    [false, 'get_network', reader, other],
    [true, 'get_network', reader, { ...other, shared: 1 }],
    [true, 'get_network', reader, { ...other, shared: 0, 'router:external': true }],
    [true, 'get_network', service, other],
    [true, 'get_subnet', reader, { ...other, 'network:shared': 1 }],
    [true, 'get_subnet', reader, { ...other, 'network:router:external': 1 }],
    [true, 'get_subnet', reader, { ...other, 'network:project_id': 'p1' }],
    [false, 'get_subnet', reader, other],
    [true, 'create_port', member, { ...own, 'network:project_id': 'p1' }],
    [false, 'create_port', member, { ...own, 'network:project_id': 'p2' }],
    [true, 'create_port', member, { ...own, 'network:project_id': 'p2', 'network:shared': true }],
    [true, 'create_port:device_owner', member, { device_owner: 'compute:nova' }],
    [false, 'create_port:device_owner', member, { device_owner: 'network:dhcp' }],
    [true, 'create_port:device_owner', member, { device_owner: 'network:dhcp', 'network:project_id': 'p1' }],
    [false, 'create_port:binding:profile', admin, own],
    [true, 'create_port:binding:profile', service, own],
    [true, 'get_agent', admin, {}],
    [false, 'get_agent', member, {}],
    [true, 'get_network', token(['reader'], 'p1', 'none'), own],
    [false, 'get_network', token(['admin', 'reader'], null, 'system'), other],
    [false, 'get_network', token(['reader'], null), { project_id: null }],
    [false, 'get_network', token(['reader'], null), { project_id: 'null' }],
  ] as const) {
    assert.equal(
      may(rule, credentials, target),
      expected,
      `${rule} ${credentials.roles} ${JSON.stringify(target)}`,
    )
  }
})

test('tenant_id and project_id are one', () => {
  const custom = createRuleBook([], strict, {
    source: 'policy.yaml',
    rules: new Map([['r', 'tenant_id:%(tenant_id)s']]),
  })
  assert.equal(decide(custom.residual('r', token([])), { project_id: 'p1' }), true)
  assert.equal(decide(custom.residual('r', token([])), { project_id: 'p2' }), false)
})

test('without enforce_new_defaults the replaced rule passes too, unless an operator overrides it', () => {
  const loose = { enforceNewDefaults: false, enforceScope: false }
  const nobody = token([])
  const old = createRuleBook(defaultRules, loose)
  assert.equal(decide(old.residual('create_network', nobody), { project_id: 'p2' }), true)
  assert.equal(decide(book.residual('create_network', nobody), { project_id: 'p2' }), false)
  const system = token(['admin'], null, 'system')
  assert.equal(decide(old.residual('get_agent', system), {}), true)
  assert.equal(decide(book.residual('get_agent', system), {}), false)
  const overridden = createRuleBook(defaultRules, loose, {
    source: 'policy.yaml',
    rules: new Map([['create_network', 'role:builder']]),
  })
  assert.equal(decide(overridden.residual('create_network', nobody), {}), false)
  assert.equal(decide(overridden.residual('create_network', token(['builder'])), {}), true)
  const byOldName = createRuleBook(defaultRules, strict, {
    source: 'policy.yaml',
    rules: new Map([['get_networks_tags', '!']]),
  })
  assert.equal(byOldName.residual('get_network:tags', token(['admin'])), false)
})

test('a rule that does not exist is the rule default', () => {
  assert.equal(may('frobnicate', token(['member']), { project_id: 'p1' }), true)
  assert.equal(may('frobnicate', token(['member']), { project_id: 'p2' }), false)
})

test('what is wrong in an operator’s file is told at once: file, rule, column', () => {
  assert.throws(
    () =>
      createRuleBook(defaultRules, strict, {
        source: '/etc/neutron/policy.yaml',
        rules: new Map([
          ['get_network', 'role:a and'],
          ['get_port', 'rule:missing'],
          ['round', 'rule:about'],
          ['about', 'not rule:round'],
        ]),
      }),
    (error) => {
      assert.ok(error instanceof Error)
      assert.match(
        error.message,
        /\/etc\/neutron\/policy\.yaml: rule 'get_network': expected a check \(column 11\)/,
      )
      assert.match(error.message, /rule 'get_port': there is no rule 'missing'/)
      assert.match(error.message, /rule 'round': it refers to itself/)
      return true
    },
  )
})

test('a list cannot ask for more of a regular expression than a prefix', () => {
  const rules = new Map([
    ['get_port', 'rule:special'],
    ['special', 'field:port:device_owner=~network:(dhcp|router)'],
    ['update_port:name', 'rule:special'],
  ])
  assert.throws(
    () =>
      createRuleBook(defaultRules, { enforceNewDefaults: true, enforceScope: true }, { source: 'p', rules }),
    (error) => error instanceof PolicyError && /p: rule 'get_port': lists cannot/.test(error.message),
  )
  rules.set('get_port', 'field:port:device_owner=~^network:')
  assert.doesNotThrow(() =>
    createRuleBook(defaultRules, { enforceNewDefaults: true, enforceScope: true }, { source: 'p', rules }),
  )
})

test('the default rules are those of the facts', () => {
  const facts = JSON.parse(
    readFileSync(new URL('../../test/facts/policies.json', import.meta.url), 'utf8'),
  ) as {
    name: string
    check_str: string
    scope_types?: string[]
    deprecated?: { name: string; check_str: string }
  }[]
  const byName = new Map(facts.map((fact) => [fact.name, fact]))
  assert.equal(new Set(defaultRules.map((one) => one.name)).size, defaultRules.length)
  for (const one of defaultRules) {
    const fact = byName.get(one.name)
    assert.ok(fact, one.name)
    assert.equal(one.check, fact.check_str, one.name)
    assert.equal(one.anyScope, fact.scope_types === undefined, one.name)
    assert.equal(
      one.replaces?.check ?? fact.check_str,
      fact.deprecated?.check_str ?? fact.check_str,
      one.name,
    )
    assert.equal(one.replaces?.name ?? one.name, fact.deprecated?.name ?? one.name, one.name)
  }
  for (const fact of facts) assert.doesNotThrow(() => parseRule(fact.check_str), fact.name)
})
