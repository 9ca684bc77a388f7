/** The sample configuration: every option of a role with its help, kind and default, commented out. */
import type { Option, Section, Sections } from './option.ts'

/** Text of a sample file, in the form that oslo-config-generator gives. */
export function sampleConfig(sections: Sections): string {
  return Object.entries(sections)
    .map(([name, options]) => `[${name}]\n\n${sampleOptions(options)}`)
    .join('\n')
}

function sampleOptions(options: Section): string {
  return Object.entries(options)
    .map(([name, option]) => `${comment(option)}\n${assignments(name, option)}\n`)
    .join('\n')
}

function comment(option: Option<unknown>): string {
  const words = `${option.help} (${option.kind.label}: ${option.kind.expected})`.split(/\s+/)
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length > 77) lines.push(`# ${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

function assignments(name: string, option: Option<unknown>): string {
  const values = option.kind.print(option.default).split('\n')
  return values.map((value) => `#${name} = ${value.replaceAll('$', '$$')}`.trimEnd()).join('\n')
}
