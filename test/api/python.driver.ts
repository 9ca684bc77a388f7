/** Python programs that answer questions: a JSON value a line to ask, a JSON value a line back, in order. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Driver {
  ask<Answer>(question: unknown): Promise<Answer>
  close(): void
}

/** `script` stands beside this file. */
export function startDriver(script: string, argv: readonly string[], env: NodeJS.ProcessEnv): Driver {
  const path = new URL(script, import.meta.url).pathname
  const child = spawn('/usr/bin/python3', [path, ...argv], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  let last: Promise<unknown> = Promise.resolve()

  function answerTo<Answer>(question: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const gone = (code: number | null) => reject(new Error(`${script} ended (${code})`))
      child.once('exit', gone)
      lines.once('line', (line) => {
        child.off('exit', gone)
        resolve(JSON.parse(line) as Answer)
      })
      child.stdin.write(`${JSON.stringify(question)}\n`)
    })
  }
  return {
    ask<Answer>(question: unknown) {
      const answer = last.then(() => answerTo<Answer>(question))
      last = answer.catch(() => undefined)
      return answer
    },
    close() {
      child.stdin.end()
      lines.close()
    },
  }
}
