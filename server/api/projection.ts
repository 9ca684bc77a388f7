/**
 * From views to what a client sees: visible attributes, less those that policy hides from this token, less those
 * that `fields` leaves out. tenant_id and project_id are one.
 */
import { picked } from '../../lib/records.ts'
import { attributesOf, decide, type Residual } from '../../model/policy/residual.ts'
import type { Attribute } from '../../model/resource.ts'
import type { Access, Policy } from '../policy/policy.ts'
import type { View } from '../resource.ts'

export interface Projection {
  /** Visible whatever the row. */
  always: readonly string[]
  /** Visible where the row fulfils the rule. */
  sometimes: readonly { name: string; residual: Residual }[]
  /** What the rules of `sometimes` look at. */
  asksFor: ReadonlySet<string>
}

/** What this kind of token sees of objects named `name`; kept with the access. */
export function projectionOf(
  policy: Policy,
  access: Access,
  name: string,
  attributes: ReadonlyMap<string, Attribute>,
): Projection {
  return access.derived(`projection ${name}`, () => {
    const always: string[] = []
    const sometimes: { name: string; residual: Residual }[] = []
    for (const [attribute, one] of attributes) {
      if (!one.visible) continue
      const rule = `get_${name}:${attribute}`
      // Who may read an object reads its tags with it; the rule of that name is for the collection of tags.
      const residual = attribute !== 'tags' && policy.has(rule) ? access.residual(rule) : true
      if (residual === true) always.push(attribute)
      else if (residual !== false) sometimes.push({ name: attribute, residual })
    }
    const asksFor = new Set(sometimes.flatMap(({ residual }) => [...attributesOf(residual)]))
    return { always, sometimes, asksFor }
  })
}

/** The names that an answer may hold at all: for Reader.views. */
export function wantedOf(
  projection: Projection,
  fields: ReadonlySet<string> | undefined,
): ReadonlySet<string> {
  const all = [...projection.always, ...projection.sometimes.map(({ name }) => name)]
  const wanted = new Set(fields ? all.filter((name) => fields.has(name)) : all)
  if (wanted.has('tenant_id')) wanted.add('project_id')
  return wanted
}

/** Shows objects of an answer one after the other: `row` is what policy looks at. */
export function shower(projection: Projection, fields: ReadonlySet<string> | undefined) {
  const always = fields ? projection.always.filter((name) => fields.has(name)) : projection.always
  const sometimes = fields
    ? projection.sometimes.filter(({ name }) => fields.has(name))
    : projection.sometimes
  const pick = picked(always)
  const namesTenant = always.includes('tenant_id')
  return (view: View, row: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    const shown = pick(view)
    if (namesTenant) shown.tenant_id = tenantOf(view)
    for (const { name, residual } of sometimes) {
      if (decide(residual, row)) shown[name] = name === 'tenant_id' ? tenantOf(view) : view[name]
    }
    return shown
  }
}

const tenantOf = (view: View): unknown => view.tenant_id ?? view.project_id

/** One object of an answer. `row` is what policy looks at. */
export function project(
  projection: Projection,
  fields: ReadonlySet<string> | undefined,
  view: View,
  row: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return shower(projection, fields)(view, row)
}
