/**
 * All rules in force: the defaults, what an operator's policy.yaml overrides, and the two options of oslo.policy.
 * Everything is parsed and every reference resolved when the book is made; what is wrong is told then, all at once.
 */
import type { DefaultRule } from './default-rule.ts'
import { allOf, anyOf, literalPrefix, noneOf, type Residual } from './residual.ts'
import { type Match, parseRule, type Rule, RuleSyntaxError } from './rule.ts'

export interface RuleBookOptions {
  /** [oslo_policy] enforce_new_defaults: only the new rules count, not those that they replace. */
  enforceNewDefaults: boolean
  /** [oslo_policy] enforce_scope: tokens of another scope than a rule's are refused. */
  enforceScope: boolean
  /** [oslo_policy] policy_default_rule: stands in for a rule that does not exist; `default` when absent. */
  defaultRule?: string
}

/** Rules of an operator's file, by name. */
export interface Overrides {
  /** For messages: the path of the file. */
  source: string
  rules: ReadonlyMap<string, string>
}

/** What a token says, as rules see it. */
export interface Credentials {
  /** Lower case. */
  roles: readonly string[]
  /** project_id, user_id …; null or absent ones match nothing. */
  values: Readonly<Record<string, string | null | undefined>>
  scope: 'project' | 'domain' | 'system' | 'none'
}

export interface RuleBook {
  has(name: string): boolean
  /** What is left of a rule for these credentials; for a rule that does not exist the default rule stands in. */
  residual(name: string, credentials: Credentials): Residual
}

/** Rules that cannot be used: the start of the server ends with it. */
export class PolicyError extends Error {
  constructor(problems: readonly string[]) {
    super(`the policy is not valid:\n${problems.map((one) => `  ${one}`).join('\n')}`)
    this.name = 'PolicyError'
  }
}

interface Entry {
  rule: Rule
  anyScope: boolean
}

/** Makes the book; later overrides stand above earlier ones. Throws PolicyError, which names file, rule and column. */
export function createRuleBook(
  defaults: readonly DefaultRule[],
  options: RuleBookOptions,
  ...files: readonly Overrides[]
): RuleBook {
  const overrides = new Map(
    files.flatMap(({ source, rules }) => [...rules].map(([name, text]) => [name, { source, text }] as const)),
  )
  const entries = new Map<string, Entry>()
  const problems: string[] = []
  const read = (source: string, name: string, text: string): Rule => {
    try {
      return parseRule(text)
    } catch (error) {
      if (!(error instanceof RuleSyntaxError)) throw error
      problems.push(`${source}: rule '${name}': ${error.message}`)
      return { op: 'false' }
    }
  }

  for (const one of defaults) {
    const older = one.replaces
    const overridden = older && older.name !== one.name ? overrides.get(older.name) : undefined
    let rule: Rule
    if (overridden !== undefined && older) rule = read(overridden.source, older.name, overridden.text)
    else {
      rule = read('default policy', one.name, one.check)
      if (older && !options.enforceNewDefaults) {
        rule = { op: 'or', rules: [rule, read('default policy', older.name, older.check)] }
      }
    }
    entries.set(one.name, { rule, anyScope: one.anyScope })
  }
  for (const [name, { source, text }] of overrides) {
    const rule = read(source, name, text)
    entries.set(name, { rule, anyScope: entries.get(name)?.anyScope ?? true })
  }
  for (const [name, { rule }] of entries) {
    const source = overrides.get(name)?.source ?? 'default policy'
    for (const problem of referenceProblems(entries, name, rule)) {
      problems.push(`${source}: rule '${name}': ${problem}`)
    }
  }
  if (problems.length > 0) throw new PolicyError(problems)

  return {
    has: (name) => entries.has(name),
    residual(name, credentials) {
      const entry = entries.get(name) ?? entries.get(options.defaultRule ?? 'default')
      if (!entry) return false
      const scope = credentials.scope === 'none' ? 'project' : credentials.scope
      if (options.enforceScope && !entry.anyScope && scope !== 'project') return false
      return residualOf(entry.rule, credentials, (other) => entries.get(other)?.rule ?? { op: 'false' })
    },
  }
}

/**
 * Rules that it refers to and that are not there, a circle that leads back to it, and, where it is for lists, what no
 * list can ask the database for.
 */
function referenceProblems(entries: ReadonlyMap<string, Entry>, name: string, rule: Rule): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  const forLists = /^get_[^:]+$/.test(name)
  const walk = (part: Rule): void => {
    if (part.op === 'field' && part.regex && forLists && literalPrefix(patternOf(part.value)) === undefined) {
      problems.push(`lists cannot ask for '${part.value}': a literal prefix (~^text) is all that they can`)
    }
    if (part.op === 'and' || part.op === 'or') part.rules.forEach(walk)
    else if (part.op === 'not') walk(part.rule)
    else if (part.op === 'rule') {
      if (part.name === name) problems.push('it refers to itself')
      if (seen.has(part.name)) return
      seen.add(part.name)
      const other = entries.get(part.name)
      if (other) walk(other.rule)
      else problems.push(`there is no rule '${part.name}'`)
    }
  }
  walk(rule)
  return problems
}

function residualOf(rule: Rule, credentials: Credentials, lookUp: (name: string) => Rule): Residual {
  const inner = (part: Rule): Residual => residualOf(part, credentials, lookUp)
  switch (rule.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return allOf(rule.rules.map(inner))
    case 'or':
      return anyOf(rule.rules.map(inner))
    case 'not':
      return noneOf(inner(rule.rule))
    case 'rule':
      return inner(lookUp(rule.name))
    case 'role':
      return credentials.roles.includes(rule.role)
    case 'field':
      return rule.regex
        ? { op: 'matches', attribute: rule.attribute, pattern: patternOf(rule.value) }
        : { op: 'equals', attribute: rule.attribute, value: literalOf(rule.value) }
    case 'literal':
      return compare(rule.value, rule.match)
    case 'credential': {
      const value = credentials.values[rule.credential]
      return value === null || value === undefined ? false : compare(value, rule.match)
    }
  }
}

/** Python's re.match: from the start, not to the end. */
function patternOf(text: string): RegExp {
  return new RegExp(`^(?:${text})`)
}

function compare(value: string, match: Match): Residual {
  return 'text' in match
    ? match.text === value
    : { op: 'equals', attribute: match.attribute, value: literalOf(value) }
}

/** Python's True and False, the words in which rules write booleans. */
function literalOf(text: string): string | boolean {
  return text === 'True' ? true : text === 'False' ? false : text
}
