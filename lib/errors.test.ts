import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as catalogue from './errors.ts'

test('every fault has the status that Neutron gives its type', () => {
  const facts = JSON.parse(
    readFileSync(new URL('../test/facts/errors.json', import.meta.url), 'utf8'),
  ) as Record<string, number>
  /** Made by the web server in Neutron, with these names. */
  const others: Record<string, number> = {
    HTTPRequestEntityTooLarge: 413,
    HTTPRequestURITooLong: 414,
    // Newer than the facts.
    DefaultSecurityGroupRuleExists: 409,
    SecurityGroupDefaultStatefulnessAlreadyExists: 409,
  }
  /** Where Neutron is plainly wrong: neither a used-up pool nor a range that is none is a defect of the server. */
  const ours: Record<string, number> = {
    SubnetAllocationError: 409,
    NetworkTunnelRangeError: 400,
    NetworkVlanRangeError: 400,
  }
  const seen = new Set<string>()
  for (const [name, make] of Object.entries(catalogue)) {
    if (name === 'NeutronError') continue
    const fault = (make as (...texts: unknown[]) => catalogue.NeutronError)(['x'], 'x', 'x')
    assert.ok(fault instanceof catalogue.NeutronError, name)
    assert.equal(fault.status, ours[fault.type] ?? facts[fault.type] ?? others[fault.type], fault.type)
    assert.ok(fault.message.length > 0, name)
    assert.ok(!seen.has(fault.type), `${fault.type} is there twice`)
    seen.add(fault.type)
  }
})
