/**
 * oslo.config's INI dialect, read as it is written: sections, `key = value` or `key: value`, continuation lines that
 * begin with blanks, comments with `#` or `;` at the start of a line, keys that repeat. Values stay text.
 */

/** One assignment. A continued value holds a newline for each continuation. */
export interface IniEntry {
  section: string
  key: string
  value: string
  /** Line of the key, counted from 1. */
  line: number
}

export class IniError extends Error {
  override name = 'IniError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Reads a whole file. Throws IniError at the first line that is none of the dialect. */
export function parseIni(text: string): IniEntry[] {
  const entries: IniEntry[] = []
  let section: string | undefined
  /** The assignment that a continuation line would go on with. */
  let open: IniEntry | undefined

  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const number = index + 1
    const line = raw.trimEnd()
    if (line === '') {
      open = undefined
    } else if (/^[ \t]/.test(line)) {
      if (open === undefined) throw new IniError(number, 'unexpected continuation line')
      open.value += `\n${line.trimStart()}`
    } else if (line.startsWith('[')) {
      if (!line.endsWith(']')) throw new IniError(number, 'section header without "]"')
      section = line.slice(1, -1).trim()
      if (section === '') throw new IniError(number, 'section without a name')
      open = undefined
    } else if (line.startsWith('#') || line.startsWith(';')) {
      open = undefined
    } else {
      if (section === undefined) throw new IniError(number, 'option before any section')
      open = { section, ...assignment(line, number), line: number }
      entries.push(open)
    }
  }
  return entries
}

function assignment(line: string, number: number): { key: string; value: string } {
  const split = line.search(/[=:]/)
  if (split < 0) throw new IniError(number, 'neither a section nor an option: no "=" or ":"')
  const key = line.slice(0, split).trim()
  if (key === '') throw new IniError(number, 'option without a name')
  return { key, value: unquote(line.slice(split + 1).trim()) }
}

/** `"a b"` -> `a b`: a value may stand in quotes of one kind. */
export function unquote(value: string): string {
  const quote = value[0]
  const quoted = value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote)
  return quoted ? value.slice(1, -1) : value
}

/**
 * Replaces `$name`, `${name}`, `$section.name` and `${section.name}` by what `lookup` answers; `$$` and `\$` stand
 * for a dollar sign. Throws when `lookup` knows no such option.
 */
export function substitute(value: string, lookup: (name: string) => string | undefined): string {
  if (!value.includes('$')) return value
  const reference = /\\\$|\$(?:(\$)|([A-Za-z_][\w.]*)|\{([A-Za-z_][\w.]*)\})/g
  return value.replace(reference, (whole: string, dollar?: string, bare?: string, braced?: string) => {
    const name = bare ?? braced
    if (dollar !== undefined || name === undefined) return '$'
    const found = lookup(name)
    if (found === undefined) throw new Error(`${whole} refers to an option that is not set`)
    return found
  })
}

/** Splits at commas that do not stand in quotes; blanks around items and quotes of items go. '' has no items. */
export function splitList(value: string): string[] {
  const items = value.match(/(?:"[^"]*"|'[^']*'|[^,])+/g) ?? []
  return items.map((item) => unquote(item.trim())).filter((item) => item !== '')
}
