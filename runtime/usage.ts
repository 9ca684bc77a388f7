/** What `--help` prints of the options that parseArgs reads, from one declaration of both. */

/** An option as parseArgs takes it, with the name of its value and what it is for. */
export interface DescribedOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  readonly default?: string | boolean | string[]
  readonly value?: string
  readonly help: string
}

/** Prints what was asked for instead of a run, and ends the process: on Linux all of it is written before. */
export function endWith(text: string): never {
  process.stdout.write(text)
  process.exit(0)
}

/** The lines, an option each; those that may come more than once say so by `…`. */
export function usageOf(command: string, options: Readonly<Record<string, DescribedOption>>): string {
  const rows = Object.entries(options).map(([name, { short, value, multiple, default: assumed, help }]) => {
    const said = typeof assumed === 'string' ? ` (default: ${assumed})` : ''
    return [
      `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}${multiple ? ' …' : ''}`,
      `${help}${said}`,
    ] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    `usage: ${command}`,
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
  ].join('\n')
}
