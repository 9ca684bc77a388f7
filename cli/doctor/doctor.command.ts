/** `nucleon doctor`: says what this host can do, what is missing and what will clash, each with what to do. */
import { findings, type Level } from './findings.ts'

const marks: Record<Level, string> = { ok: 'ok', note: 'note', clash: 'CLASH', missing: 'MISSING' }

/** Prints the findings, as JSON if asked; the exit code is 1 when something is missing or clashes. */
export async function doctor(options: { state: string; json?: true }): Promise<void> {
  const found = await findings(options.state)
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  } else {
    for (const { level, subject, text, advice } of found) {
      process.stdout.write(`${marks[level].padEnd(8)} ${subject}: ${text}\n`)
      if (advice !== undefined) process.stdout.write(`${' '.repeat(9)}${advice}\n`)
    }
  }
  if (found.some(({ level }) => level === 'missing' || level === 'clash')) process.exitCode = 1
}
