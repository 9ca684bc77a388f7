/** A residual rule as a SQL condition, for lists: the same tree that `decide` walks, so that both agree row by row. */
import { type Expression, type SqlBool, sql } from 'kysely'
import { literalPrefix, namesOf, type Residual } from '../../model/policy/residual.ts'

/** The expression of an attribute in this query; undefined where the resource has none. */
export type ColumnOf = (attribute: string) => Expression<unknown> | undefined

/** `attribute = value` in this query, where that is not the column's comparison. */
export type EqualsOf = (attribute: string, value: unknown) => Expression<SqlBool> | undefined

/**
 * The condition; a constant residual must be handled before (true needs no condition, false no query).
 * Throws where a regular expression is more than a literal prefix, which not every engine can match.
 */
export function predicateOf(
  residual: Residual,
  columnOf: ColumnOf,
  equalsOf: EqualsOf = () => undefined,
): Expression<SqlBool> {
  if (typeof residual === 'boolean') return residual ? sql<SqlBool>`1 = 1` : sql<SqlBool>`1 = 0`
  switch (residual.op) {
    case 'and':
    case 'or': {
      const parts = residual.of.map((part) => predicateOf(part, columnOf, equalsOf))
      return sql<SqlBool>`(${sql.join(parts, residual.op === 'and' ? sql` and ` : sql` or `)})`
    }
    case 'not':
      // A condition on null is unknown in SQL; here it is plainly not fulfilled.
      return sql<SqlBool>`((${predicateOf(residual.of, columnOf, equalsOf)}) is not true)`
    case 'equals': {
      const name = namesOf(residual.attribute).find((candidate) => columnOf(candidate) !== undefined)
      if (name === undefined) return sql<SqlBool>`1 = 0`
      const value = typeof residual.value === 'boolean' ? (residual.value ? 1 : 0) : residual.value
      return equalsOf(name, value) ?? sql<SqlBool>`${columnOf(name)} = ${value}`
    }
    case 'matches': {
      const column = columnFor(residual.attribute, columnOf)
      if (!column) return sql<SqlBool>`1 = 0`
      const prefix = prefixOf(residual.pattern)
      return sql<SqlBool>`substr(${column}, 1, ${sql.lit(prefix.length)}) = ${prefix}`
    }
  }
}

function columnFor(attribute: string, columnOf: ColumnOf): Expression<unknown> | undefined {
  for (const name of namesOf(attribute)) {
    const column = columnOf(name)
    if (column) return column
  }
  return undefined
}

/** Rules of lists are known to have nothing else: createRuleBook refuses them. */
function prefixOf(pattern: RegExp): string {
  const prefix = literalPrefix(pattern)
  if (prefix === undefined) throw new TypeError(`policy: ${pattern.source} cannot be used for lists`)
  return prefix
}
