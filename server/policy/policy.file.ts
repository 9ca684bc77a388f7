/**
 * An operator's policy.yaml and the files of policy.d: rules by name. Read once, at start; what cannot be read ends
 * the start.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { defaultRules } from '../../model/policy/defaults.ts'
import { createRuleBook, type Overrides, PolicyError } from '../../model/policy/rulebook.ts'
import { createPolicy, type Policy } from './policy.ts'

export interface PolicySettings {
  /** [oslo_policy] policy_file; a file that is absent overrides nothing. */
  file?: string | undefined
  /** [oslo_policy] policy_dirs: their files stand above policy_file, in the order of their names. */
  directories?: readonly string[]
  /** [oslo_policy] enforce_new_defaults. */
  enforceNewDefaults: boolean
  /** [oslo_policy] enforce_scope. */
  enforceScope: boolean
  /** [oslo_policy] policy_default_rule. */
  defaultRule?: string
}

/** The policy in force. Throws PolicyError, which names file, rule and column. */
export async function loadPolicy(settings: PolicySettings): Promise<Policy> {
  const inDirectories = await Promise.all((settings.directories ?? []).map(filesIn))
  const files = [...(settings.file === undefined ? [] : [settings.file]), ...inDirectories.flat()]
  const overrides = await Promise.all(files.map(readOverrides))
  return createPolicy(createRuleBook(defaultRules, settings, ...overrides.flatMap((one) => one ?? [])))
}

/** The files of a directory and of those below it, in order, hidden ones left out; none where it does not exist. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await orAbsent(readdir(directory, { withFileTypes: true }))
  const shown = (entries ?? [])
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const found = await Promise.all(
    shown.map((entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? filesIn(path) : [path]
    }),
  )
  return found.flat()
}

async function orAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function readOverrides(file: string): Promise<Overrides | undefined> {
  const text = await orAbsent(readFile(file, 'utf8'))
  return text === undefined ? undefined : parseOverrides(file, text)
}

/** The rules of a file's text. Throws PolicyError. */
export function parseOverrides(file: string, text: string): Overrides {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const problems = document.errors.map(({ pos: [start], message }) => {
    const { line, col } = lines.linePos(start)
    return `${file}:${line}:${col}: ${message.split('\n', 1)[0]}`
  })
  if (problems.length > 0) throw new PolicyError(problems)
  const content: unknown = document.toJS({ maxAliasCount: 100 }) ?? {}
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new PolicyError([`${file}: it is not a mapping of rule names to rules`])
  }
  const rules = new Map<string, string>()
  for (const [name, rule] of Object.entries(content)) {
    if (typeof rule === 'string') rules.set(name, rule)
    else throw new PolicyError([`${file}: rule '${name}': it is not a text`])
  }
  return { source: file, rules }
}
