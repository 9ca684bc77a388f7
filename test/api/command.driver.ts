/** `openstack` or `neutron` for tests: commands as one line of text, in one process, which keeps its log-in. */
import assert from 'node:assert/strict'
import { startDriver } from './python.driver.ts'

interface Answer {
  code: number
  out: string
  err: string
}

export interface Commands {
  /** Runs one; `text` is split at blanks. Answers what it prints; fails the test when it is refused. */
  does(text: string): Promise<string>
  /** What it prints as JSON: one object, or a list of them. */
  shows<Shown = Record<string, unknown>>(text: string): Promise<Shown>
  /** Fails the test unless the command is refused for this reason. */
  refuses(text: string, reason: RegExp): Promise<void>
  /** How many there were. */
  count(): number
  close(): void
}

export function startCommands(
  program: 'openstack' | 'neutron',
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Commands {
  const driver = startDriver('command.driver.py', [program], env)
  let count = 0
  const run = (text: string): Promise<Answer> => {
    count++
    return driver.ask([...argv, ...text.split(/\s+/)])
  }
  const does = async (text: string): Promise<string> => {
    const { code, out, err } = await run(text)
    assert.equal(code, 0, `${program} ${text}: ${err}`)
    return out
  }
  return {
    does,
    shows: async (text) => JSON.parse(await does(`${text} -f json`)),
    async refuses(text, reason) {
      const { code, err } = await run(text)
      assert.notEqual(code, 0, `${program} ${text} succeeded`)
      assert.match(err, reason, `${program} ${text}`)
    },
    count: () => count,
    close: () => driver.close(),
  }
}
