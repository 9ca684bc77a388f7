/**
 * What is left of a rule once the token is known: a constant, or conditions on the target alone. It is decided
 * against one target here, and compiled to SQL in server/policy: one tree, so that both agree.
 */

export type Residual =
  | boolean
  | { op: 'and' | 'or'; of: readonly Residual[] }
  | { op: 'not'; of: Residual }
  | { op: 'equals'; attribute: string; value: string | boolean }
  | { op: 'matches'; attribute: string; pattern: RegExp }

/** All of these. */
export function allOf(parts: readonly Residual[]): Residual {
  return combine('and', parts, false)
}

/** Any of these. */
export function anyOf(parts: readonly Residual[]): Residual {
  return combine('or', parts, true)
}

function combine(op: 'and' | 'or', parts: readonly Residual[], decisive: boolean): Residual {
  const rest: Residual[] = []
  for (const part of parts) {
    if (part === decisive) return decisive
    if (part === !decisive) continue
    if (typeof part === 'object' && part.op === op) rest.push(...part.of)
    else rest.push(part)
  }
  const [only] = rest
  if (only === undefined) return !decisive
  return rest.length === 1 ? only : { op, of: rest }
}

/** Not this. A double negation goes away. */
export function noneOf(part: Residual): Residual {
  if (typeof part === 'boolean') return !part
  return part.op === 'not' ? part.of : { op: 'not', of: part }
}

/** An object, or a row of it: attribute names to values; booleans may be 0 and 1. */
export type Target = Readonly<Record<string, unknown>>

/** True when the target fulfils the residual. An attribute that the target lacks fulfils no condition. */
export function decide(residual: Residual, target: Target): boolean {
  if (typeof residual === 'boolean') return residual
  switch (residual.op) {
    case 'and':
      return residual.of.every((part) => decide(part, target))
    case 'or':
      return residual.of.some((part) => decide(part, target))
    case 'not':
      return !decide(residual.of, target)
    case 'equals': {
      const value = valueIn(target, residual.attribute)
      if (value === undefined || value === null) return false
      if (typeof residual.value === 'boolean') return isTrue(value) === residual.value
      return String(value) === residual.value
    }
    case 'matches': {
      const value = valueIn(target, residual.attribute)
      return typeof value === 'string' && residual.pattern.test(value)
    }
  }
}

const isTrue = (value: unknown): boolean => value === true || value === 1

/** The names under which a target may hold what a rule asks for, the first that is there counts. */
export function namesOf(attribute: string): readonly string[] {
  const twin = attribute.endsWith('tenant_id')
    ? attribute.replace(/tenant_id$/, 'project_id')
    : attribute.endsWith('project_id')
      ? attribute.replace(/project_id$/, 'tenant_id')
      : undefined
  if (twin) return [attribute, twin]
  // A port or subnet is shared, or external, as its network is.
  if (attribute === 'shared' || attribute === 'router:external') return [attribute, `network:${attribute}`]
  return [attribute]
}

function valueIn(target: Target, attribute: string): unknown {
  for (const name of namesOf(attribute)) if (target[name] !== undefined) return target[name]
  return undefined
}

/** The text that a pattern of `matches` is, where it is no more than a literal prefix: all that a list can ask for. */
export function literalPrefix(pattern: RegExp): string | undefined {
  return /^\^\(\?:\^?([\w:@/ -]*)\)$/.exec(pattern.source.replaceAll('\\/', '/'))?.[1]
}

/** The attributes that a residual looks at. */
export function attributesOf(residual: Residual): Set<string> {
  const found = new Set<string>()
  const walk = (part: Residual): void => {
    if (typeof part === 'boolean') return
    switch (part.op) {
      case 'and':
      case 'or':
        part.of.forEach(walk)
        break
      case 'not':
        walk(part.of)
        break
      default:
        found.add(part.attribute)
    }
  }
  walk(residual)
  return found
}
