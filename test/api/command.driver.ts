/** `openstack` or `neutron` for tests: commands as one line of text, in one process, which keeps its log-in. */
import assert from 'node:assert/strict'
import { startDriver } from './python.driver.ts'

interface Answer {
  code: number
  out: string
  err: string
}

type Command = string | readonly string[]
const wordsOf = (command: Command): readonly string[] =>
  typeof command === 'string' ? command.split(/\s+/) : command

export interface Commands {
  /** Runs one; a text is split at blanks. Answers what it prints; fails the test when it is refused. */
  does(command: Command): Promise<string>
  /** What it prints as JSON: one object, or a list of them. */
  shows<Shown = Record<string, unknown>>(command: Command): Promise<Shown>
  /** Fails the test unless the command is refused for this reason. */
  refuses(command: Command, reason: RegExp): Promise<void>
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
  const run = (words: readonly string[]): Promise<Answer> => {
    count++
    return driver.ask([...argv, ...words])
  }
  const does = async (command: Command): Promise<string> => {
    const words = wordsOf(command)
    const { code, out, err } = await run(words)
    assert.equal(code, 0, `${program} ${words.join(' ')}: ${err}`)
    return out
  }
  return {
    does,
    shows: async (command) => JSON.parse(await does([...wordsOf(command), '-f', 'json'])),
    async refuses(command, reason) {
      const words = wordsOf(command)
      const { code, err } = await run(words)
      assert.notEqual(code, 0, `${program} ${words.join(' ')} succeeded`)
      assert.match(err, reason)
    },
    count: () => count,
    close: () => driver.close(),
  }
}
