/** An operator's policy.yaml: rules by name. Read once, at start; what cannot be read ends the start. */
import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import { defaultRules } from '../../model/policy/defaults.ts'
import { createRuleBook, type Overrides, PolicyError } from '../../model/policy/rulebook.ts'
import { createPolicy, type Policy } from './policy.ts'

export interface PolicySettings {
  /** [oslo_policy] policy_file; a file that is absent overrides nothing. */
  file?: string | undefined
  /** [oslo_policy] enforce_new_defaults. */
  enforceNewDefaults: boolean
  /** [oslo_policy] enforce_scope. */
  enforceScope: boolean
}

/** The policy in force. Throws PolicyError, which names file, rule and column. */
export async function loadPolicy(settings: PolicySettings): Promise<Policy> {
  const overrides = settings.file === undefined ? undefined : await readOverrides(settings.file)
  return createPolicy(createRuleBook(defaultRules, settings, overrides))
}

async function readOverrides(file: string): Promise<Overrides | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  return parseOverrides(file, text)
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
