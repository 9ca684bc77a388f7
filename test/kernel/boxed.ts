/** For tests that drive the network of the process they run in: the file runs itself again, inside a box. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { inSandbox } from '../../cli/sandbox.ts'

const mark = 'NUCLEON_TEST_BOXED'

/**
 * Inside the box, defines the tests; outside, one test that runs the file there. `file` is import.meta.filename.
 * What the inner tests say is shown when one of them fails.
 */
export function boxed(file: string, define: () => void): void {
  if (process.env[mark] === '1') {
    define()
    return
  }
  const skip = process.getuid?.() === 0 ? false : 'needs root (network namespaces)'
  test('in a box of its own', { skip }, async () => {
    const [program, ...args] = inSandbox([process.execPath, file])
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const child = spawn(program, args, { env: { ...env, [mark]: '1' }, stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.push(chunk))
    const [code] = await once(child, 'close')
    assert.equal(code, 0, `${Buffer.concat(output)}`)
  })
}
