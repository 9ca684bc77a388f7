/** Batches of `ip`: one program a namespace and round, and what failed of it, line by line. */
import type { NamespaceName } from '../objects.ts'
import { CommandError, run } from '../run.ts'

export interface BatchLine {
  /** The object that the line is for. */
  ident: string
  text: string
  /** True when the line may fail (what it makes may be there already). */
  mayFail?: boolean
}

/** What would end a line or begin another thing in a batch. */
const unsafe = /[\n\r#'"\\]/

/** Runs the lines in a namespace, going on after a failing one; answers what failed by ident. */
export async function runBatch(
  namespace: NamespaceName,
  asked: readonly BatchLine[],
): Promise<Map<string, string>> {
  const failures = new Map<string, string>()
  for (const { ident, text } of asked)
    if (unsafe.test(text)) failures.set(ident, 'a name in it is not allowed')
  const lines = asked.filter(({ text }) => !unsafe.test(text))
  if (lines.length === 0) return failures
  const input = `${lines.map((line) => line.text).join('\n')}\n`
  try {
    await run(['ip', '-force', '-batch', '-'], { namespace, input })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    for (const { line, reason } of failedLines(error.stderr)) {
      const failed = lines[line - 1]
      if (failed && !failed.mayFail) failures.set(failed.ident, reason)
    }
    if (!/Command failed -:\d+/.test(error.stderr)) {
      for (const line of lines) failures.set(line.ident, error.message)
    }
  }
  return failures
}

/** Reads what `ip -force -batch` complains about: the reason, then the line's number. */
export function failedLines(stderr: string): { line: number; reason: string }[] {
  const failed: { line: number; reason: string }[] = []
  let reason: string[] = []
  for (const text of stderr.split('\n')) {
    const found = /^Command failed -:(\d+)/.exec(text)
    if (found) {
      failed.push({ line: Number(found[1]), reason: reason.join(' ').trim() || 'failed' })
      reason = []
    } else if (text.trim() !== '') reason.push(text.trim())
  }
  return failed
}
