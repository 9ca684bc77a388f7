/** The demo proves what works, and fails when it does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDemo } from './demo.process.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root (network namespaces)'

test('the demo passes and leaves nothing behind', { skip, timeout: 180_000 }, async () => {
  const { code, output, left } = await runDemo()
  assert.equal(code, 0, output)
  assert.match(output, /All \d+ checks passed/, output)
  assert.match(output, /ok .* cleaning up leaves nothing behind/, output)
  assert.doesNotMatch(output, /FAIL/, output)
  assert.deepEqual(left, [])
})

/** Fault -> what must be seen to fail because of it. */
const faults: Record<string, RegExp> = {
  flows: /FAIL .*blue1 and blue2 reach each other/,
  dnsmasq: /FAIL .*names of ports resolve/,
  leak: /FAIL .*the tenants never see each other/,
}

for (const [fault, symptom] of Object.entries(faults)) {
  test(`with the fault "${fault}" the demo fails, and still cleans up`, {
    skip,
    timeout: 240_000,
  }, async () => {
    const { code, output, left } = await runDemo(['--fault', fault])
    assert.equal(code, 1, output)
    assert.match(output, symptom, output)
    assert.match(output, /ok .* cleaning up leaves nothing behind/, output)
    assert.deepEqual(left, [])
  })
}
