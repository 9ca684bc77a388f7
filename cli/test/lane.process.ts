/**
 * Runs the test files of one lane by node:test, says what they tell of themselves (`t.diagnostic`), what failed and
 * why, and sends the totals to its parent.
 * Arguments: concurrency, then the files.
 */
import { run } from 'node:test'
import { inspect } from 'node:util'

export interface Totals {
  passed: number
  failed: number
  skipped: number
}

/** Lines of output to show of a file that failed. */
const tailLines = 40

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ')
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof Error) return cause.stack ?? cause.message
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6 })
}

async function runLane(concurrency: number, files: string[]): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  const output = new Map<string, string[]>()
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const keep = (file: string | undefined, text: string) => {
    const lines = output.get(file ?? '') ?? []
    lines.push(...text.trimEnd().split('\n'))
    output.set(file ?? '', lines.slice(-tailLines))
  }

  const stream = run({ files, concurrency, isolation: 'process' })
  stream.on('test:stdout', (data) => keep(data.file, data.message))
  stream.on('test:stderr', (data) => keep(data.file, data.message))
  // What the runner itself counts has no file.
  stream.on('test:diagnostic', ({ file, message }) => {
    if (file !== undefined) say(`    ${message}`)
  })
  stream.on('test:pass', (data) => {
    if (data.details.type === 'suite') return
    // A file without tests passes under its own name.
    if (data.name === data.file) {
      totals.failed += 1
      say(`    FAILED: ${data.name} holds no tests`)
    } else if (data.skip !== undefined) {
      totals.skipped += 1
      const why = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given'
      say(`    skipped: ${data.name}: ${why}`)
    } else {
      totals.passed += 1
    }
  })
  stream.on('test:fail', (data) => {
    // A suite fails because a test in it did, which is told (and counted) by itself.
    const error: Error & { failureType?: string } = data.details.error
    if (error.failureType === 'subtestsFailed') return
    totals.failed += 1
    say(`    FAILED: ${data.name}  (${data.file ?? '?'}:${data.line ?? '?'})\n${indent(causeOf(error))}`)
    const lines = output.get(data.file ?? '') ?? []
    if (lines.length > 0) say(`      … what it printed last:\n${indent(lines.join('\n'))}`)
  })
  stream.resume()
  await new Promise((resolve) => stream.once('end', resolve))
  return totals
}

const [concurrency, ...files] = process.argv.slice(2)
const totals = await runLane(Number(concurrency), files)
if (process.send === undefined) process.stdout.write(`${JSON.stringify(totals)}\n`)
process.send?.(totals, undefined, undefined, () => process.disconnect())
process.exitCode = totals.failed === 0 ? 0 : 1
