/** Reading request bodies: each reader answers the value or throws 400 with the path of what is wrong. */
import { badRequest } from './errors.ts'

export type Body = Readonly<Record<string, unknown>>

/** True for a JSON object: neither null nor a list. */
export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at a path of names; undefined when it or one above it is not there. */
export function objectAt(value: unknown, ...path: string[]): Body | undefined {
  let found = value
  for (const [depth, name] of path.entries()) {
    if (!isBody(found)) return undefined
    found = Object.hasOwn(found, name) ? found[name] : undefined
    if (found === undefined || found === null) return undefined
    if (!isBody(found))
      throw badRequest(`Expecting to find an object in ${path.slice(0, depth + 1).join('.')}.`)
  }
  return isBody(found) ? found : undefined
}

/** A text, or undefined when it is absent or null. */
export function textIn(body: Body, name: string, max = 255): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw badRequest(`Invalid input for field '${name}': a string is expected.`)
  if (value.length > max)
    throw badRequest(`Invalid input for field '${name}': it is longer than ${max} characters.`)
  if (value.includes('\0')) throw badRequest(`Invalid input for field '${name}': it has a null character.`)
  return value
}

/** A text that is there and not empty. */
export function requiredText(body: Body, name: string, max = 255): string {
  const value = textIn(body, name, max)
  if (value === undefined || value.trim() === '')
    throw badRequest(`Expecting to find ${name} in the request body.`)
  return value
}

/** True or false as JSON has them, or undefined when it is absent or null. */
export function flagIn(body: Body, name: string): boolean | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean')
    throw badRequest(`Invalid input for field '${name}': true or false is expected.`)
  return value
}
