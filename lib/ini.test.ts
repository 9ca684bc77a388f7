import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IniError, parseIni, splitList, substitute } from './ini.ts'

test('reads sections, both assignment signs, comments and quotes', () => {
  const text = `
# a comment
[DEFAULT]
; another
core_plugin = ml2
url=http://host:80/x=y
plain: value # not a comment
quoted = "  spaced  "
empty =

[ ml2 ]
type_drivers = flat,vlan
`
  assert.deepEqual(parseIni(text), [
    { section: 'DEFAULT', key: 'core_plugin', value: 'ml2', line: 5 },
    { section: 'DEFAULT', key: 'url', value: 'http://host:80/x=y', line: 6 },
    { section: 'DEFAULT', key: 'plain', value: 'value # not a comment', line: 7 },
    { section: 'DEFAULT', key: 'quoted', value: '  spaced  ', line: 8 },
    { section: 'DEFAULT', key: 'empty', value: '', line: 9 },
    { section: 'ml2', key: 'type_drivers', value: 'flat,vlan', line: 12 },
  ])
})

test('joins continuation lines by newlines, up to a blank line', () => {
  const [only, next] = parseIni('[a]\nkey = one\n  two\n\tthree\n\nother = 1')
  assert.equal(only?.value, 'one\ntwo\nthree')
  assert.equal(next?.key, 'other')
})

test('keeps every repetition of a key, in order', () => {
  assert.deepEqual(
    parseIni('[a]\nk = 1\nk = 2\r\n').map(({ value }) => value),
    ['1', '2'],
  )
})

test('names the line of what it cannot read', () => {
  const wrong: [string, number][] = [
    ['key = 1', 1],
    ['[a]\nnonsense', 2],
    ['[a]\n\n[b', 3],
    ['[]', 1],
    ['[a]\n= 1', 2],
    ['[a]\n  continued', 2],
    ['[a]\nk = 1\n\n  continued', 4],
  ]
  for (const [text, line] of wrong) {
    assert.throws(
      () => parseIni(text),
      (error) => error instanceof IniError && error.line === line,
      text,
    )
  }
})

test('substitutes references and keeps dollar signs that are asked for', () => {
  const lookup = (name: string) => ({ state_path: '/var/lib/n', 'ml2.x': 'y' })[name]
  assert.equal(substitute('$state_path/lock', lookup), '/var/lib/n/lock')
  assert.equal(substitute(`\${state_path}s \${ml2.x}`, lookup), '/var/lib/ns y')
  assert.equal(substitute('5$$ and \\$state_path $', lookup), '5$ and $state_path $')
  assert.throws(() => substitute('$missing', lookup), /\$missing/)
})

test('splits lists at commas outside quotes', () => {
  assert.deepEqual(splitList(' a, b ,,"c,d", it\'s'), ['a', 'b', 'c,d', "it's"])
  assert.deepEqual(splitList(''), [])
})
