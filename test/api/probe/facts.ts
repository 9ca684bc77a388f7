/** Neutron's API as data, from test/facts: collections with their attributes, extensions, faults. */
import { readFileSync } from 'node:fs'

export interface AttributeFact {
  /** Alias of the extension that brings it, `(core)` for the base API. */
  ext: string
  allow_post?: boolean
  allow_put?: boolean
  is_visible?: boolean
  is_filter?: boolean
  is_sort_key?: boolean
  required?: boolean
  default?: unknown
  validate?: Readonly<Record<string, unknown>>
  convert_to?: string
}

export interface CollectionFact {
  /** `/v2.0/qos/policies/{policy_id}/bandwidth_limit_rules` */
  url?: string
  singular?: string
  extension?: string
  operations?: readonly string[]
  parent?: { collection: string; member_name: string }
  /** What is not as elsewhere: a body of POST that is no object under its name. */
  special?: { create?: { body?: unknown } }
  attributes: Readonly<Record<string, AttributeFact>>
}

export interface ExtensionFact {
  name: string
  updated: string
  requires: readonly string[]
  /** The package that brings it: `neutron`, `neutron-vpnaas`, `neutron-since-zed` … */
  source: string
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../facts/${name}.json`, import.meta.url), 'utf8')) as T
}

export const collectionFacts = (): Readonly<Record<string, CollectionFact>> => read('resources')
export const extensionFacts = (): Readonly<Record<string, ExtensionFact>> => read('extensions')
/** Status by the type of a fault. */
export const faultFacts = (): Readonly<Record<string, number>> => read('errors')

/** The collections with the attributes of these extensions; newer definitions stand above those of Zed. */
export function factsOf(aliases: ReadonlySet<string>): Record<string, CollectionFact> {
  const newer = read<Record<string, Record<string, CollectionFact>>>('since-zed')
  const all: Record<string, CollectionFact> = { ...collectionFacts() }
  for (const [alias, collections] of Object.entries(newer)) {
    if (!aliases.has(alias)) continue
    for (const [collection, { attributes }] of Object.entries(collections)) {
      const brought = Object.entries(attributes).map(([name, one]) => [name, { ...one, ext: alias }])
      all[collection] = {
        ...all[collection],
        attributes: { ...all[collection]?.attributes, ...Object.fromEntries(brought) },
      }
    }
  }
  // Newer than the facts of tags, which tell of ports alone.
  const taggedAtBirth = aliases.has('tag-creation')
  return Object.fromEntries(
    Object.entries(all).map(([collection, fact]) => {
      const known = Object.entries(fact.attributes).filter(
        ([, { ext }]) => ext === '(core)' || aliases.has(ext),
      )
      const attributes = Object.fromEntries(known)
      if (attributes.tags) {
        const validate = { 'type:list_of_unique_strings': 255 }
        attributes.tags = { ...attributes.tags, allow_post: taggedAtBirth, validate }
      }
      return [collection, { ...fact, attributes }]
    }),
  )
}
