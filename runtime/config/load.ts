/**
 * From declared options and what files, environment and command line say of them to one frozen object of values.
 * Later files win over earlier ones, the environment over files, the command line over all.
 */
import { readFile } from 'node:fs/promises'
import { type IniEntry, IniError, parseIni, substitute } from '../../lib/ini.ts'
import type { Option, Sections, Values } from './option.ts'

export interface ConfigFile {
  path: string
  text: string
}

export interface ConfigSources {
  files?: readonly ConfigFile[]
  /** `OS_<SECTION>__<OPTION>`, as oslo.config's environment driver reads them. */
  environment?: Readonly<Record<string, string | undefined>>
  /** What command-line options set: `[flag, section, option, text]`. */
  flags?: readonly { flag: string; section: string; name: string; value: string }[]
  /** True for options that this process does not use but that are no mistake: no warning. */
  isKnown?: (section: string, name: string) => boolean
}

/** A place where a value stands, and what is wrong with it. */
export interface ConfigProblem {
  /** `neutron.conf:12`, `OS_DEFAULT__DEBUG`, `--api`. */
  where: string
  message: string
}

/** Every wrong value at once, each with file, line, option and what was expected. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ where, message }) => `${where}: ${message}`).join('\n'))
    this.problems = problems
  }
}

export interface Loaded<S extends Sections> {
  values: Values<S>
  /** Options that nobody knows: most often a slip of the pen. */
  warnings: ConfigProblem[]
}

interface Setting {
  where: string
  text: string
}

/** Reads the named files. Throws ConfigError when one cannot be read. */
export async function readConfigFiles(paths: readonly string[]): Promise<ConfigFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      try {
        return { path, text: await readFile(path, 'utf8') }
      } catch (error) {
        throw new ConfigError([{ where: path, message: `cannot be read (${reason(error)})` }])
      }
    }),
  )
}

/** Throws ConfigError with all problems when a file or a value is wrong. */
export function loadConfig<S extends Sections>(sections: S, sources: ConfigSources): Loaded<S> {
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  const settings = collect(sections, sources, problems, warnings)

  const values: Record<string, Record<string, unknown>> = {}
  for (const [section, options] of Object.entries(sections)) {
    const sectionValues: Record<string, unknown> = {}
    for (const [name, option] of Object.entries(options)) {
      const given = settings.get(settingKey(section, name)) ?? []
      sectionValues[name] = value(sections, settings, { section, name, option, given }, problems)
    }
    values[section] = Object.freeze(sectionValues)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { values: Object.freeze(values) as Values<S>, warnings }
}

function collect(
  sections: Sections,
  { files = [], environment = {}, flags = [], isKnown = () => false }: ConfigSources,
  problems: ConfigProblem[],
  warnings: ConfigProblem[],
): Map<string, Setting[]> {
  const settings = new Map<string, Setting[]>()
  const set = (section: string, name: string, setting: Setting) => {
    const key = settingKey(section, name)
    settings.set(key, [...(settings.get(key) ?? []), setting])
  }

  for (const { path, text } of files) {
    for (const entry of entriesOf(path, text, problems)) {
      const section = sectionName(entry.section)
      const where = `${path}:${entry.line}`
      set(section, entry.key, { where, text: entry.value })
      if (sections[section]?.[entry.key] === undefined && !isKnown(section, entry.key)) {
        warnings.push({ where, message: `unknown option [${entry.section}] ${entry.key} is ignored` })
      }
    }
  }
  for (const [section, options] of Object.entries(sections)) {
    for (const name of Object.keys(options)) {
      const variable = `OS_${section.toUpperCase()}__${name.toUpperCase()}`
      const found = environment[variable]
      // What stands nearer to the user replaces also what repeats.
      if (found !== undefined) settings.set(settingKey(section, name), [{ where: variable, text: found }])
    }
  }
  for (const { flag, section, name, value } of flags) {
    settings.set(settingKey(section, name), [{ where: flag, text: value }])
  }
  return settings
}

function entriesOf(path: string, text: string, problems: ConfigProblem[]): IniEntry[] {
  try {
    return parseIni(text)
  } catch (error) {
    if (!(error instanceof IniError)) throw error
    problems.push({ where: `${path}:${error.line}`, message: error.message })
    return []
  }
}

interface Question {
  section: string
  name: string
  option: Option<unknown>
  given: readonly Setting[]
}

function value(
  sections: Sections,
  settings: ReadonlyMap<string, Setting[]>,
  { section, name, option, given }: Question,
  problems: ConfigProblem[],
): unknown {
  const parsed: unknown[] = []
  for (const { where, text } of option.multi ? given : given.slice(-1)) {
    let resolved: string
    try {
      resolved = resolve(sections, settings, section, text, [settingKey(section, name)])
    } catch (error) {
      problems.push({ where, message: `[${section}] ${name}: ${reason(error)}` })
      continue
    }
    try {
      parsed.push(option.kind.parse(resolved))
    } catch {
      const shown = option.secret ? '' : ` = ${resolved}`
      problems.push({ where, message: `[${section}] ${name}${shown}: expected ${option.kind.expected}` })
    }
  }
  if (parsed.length === 0) return option.default
  return option.multi ? Object.freeze(parsed.flat()) : parsed[0]
}

/** `$name` means an option of the same section, else of DEFAULT, declared or not. */
function resolve(
  sections: Sections,
  settings: ReadonlyMap<string, Setting[]>,
  section: string,
  text: string,
  seen: readonly string[],
): string {
  return substitute(text, (reference) => {
    const dot = reference.indexOf('.')
    const places: [string, string][] =
      dot < 0
        ? [
            [section, reference],
            ['DEFAULT', reference],
          ]
        : [[sectionName(reference.slice(0, dot)), reference.slice(dot + 1)]]
    for (const [where, name] of places) {
      const key = settingKey(where, name)
      if (seen.includes(key)) throw new Error(`$${reference} refers to itself`)
      const given = settings.get(key)?.at(-1)
      if (given !== undefined) return resolve(sections, settings, where, given.text, [...seen, key])
      const option = sections[where]?.[name]
      if (option !== undefined) return option.default === null ? '' : option.kind.print(option.default)
    }
    return undefined
  })
}

function settingKey(section: string, name: string): string {
  return `${section} ${name}`
}

/** Names of sections are the same in upper and lower case; DEFAULT is written large. */
function sectionName(name: string): string {
  return name.toUpperCase() === 'DEFAULT' ? 'DEFAULT' : name.toLowerCase()
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
