/** Values that the server alone makes: nobody may set them. */
import { type Kind, refuse, sameText } from './kind.ts'

const notGiven = (): never => refuse('the server sets it')

/** A time, ISO 8601 in UTC with seconds. */
export const timestamp: Kind<string> = {
  name: 'timestamp',
  schema: { type: 'string', format: 'date-time' },
  parse: notGiven,
  filter: sameText,
}

/** Something worked out from other objects, with the schema that answers have. */
export function derived<T>(schema: Record<string, unknown>): Kind<T> {
  return { name: 'derived', schema, parse: notGiven, filter: sameText }
}
