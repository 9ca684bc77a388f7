/** A free JSON object: binding profiles, configurations of agents. */
import { isObject, type Kind, refuse, shown } from './kind.ts'
import { textOf } from './string.ts'

/** Neutron: type:dict. Texts inside are checked as far as a database must keep them. */
export const object: Kind<Record<string, unknown>> = {
  name: 'object',
  schema: { type: 'object' },
  parse(value) {
    if (!isObject(value)) return refuse(`${shown(value)} is not a dictionary`)
    checkTexts(value)
    return value
  },
}

function checkTexts(value: unknown): void {
  if (typeof value === 'string') textOf(value, null)
  else if (Array.isArray(value)) value.forEach(checkTexts)
  else if (isObject(value)) {
    for (const [key, one] of Object.entries(value)) {
      textOf(key, null)
      checkTexts(one)
    }
  }
}
