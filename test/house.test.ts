/**
 * Holds the directions of imports, and that every function a file exports says what it promises. The tables below are
 * the house's plan: a new arrow between rooms, or a new package in one, is a change here and seen in review.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

/** Room -> the rooms it imports. What these import in turn is allowed as well. */
const rooms: Record<string, readonly string[]> = {
  lib: [],
  model: ['lib'],
  runtime: ['lib'],
  bus: ['model', 'runtime'],
  server: ['model', 'bus', 'runtime'],
  host: ['lib', 'runtime'],
  agents: ['host', 'bus', 'model', 'runtime'],
  client: ['model'],
  cli: ['server', 'agents', 'host', 'bus', 'client', 'model', 'runtime'],
  test: ['cli', 'server', 'agents', 'host', 'bus', 'client', 'model', 'runtime'],
}

/** Rooms that also run in a browser: nothing of Node.js in them, tests and these files aside. */
const browserRooms: readonly string[] = ['lib', 'model']
const nodeOnly: readonly string[] = ['model/documents/digest.ts']

const root = dirname(import.meta.dirname)
const declared: { dependencies: Record<string, string>; devDependencies: Record<string, string> } =
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

interface Import {
  file: string
  specifier: string
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return sourceFiles(path)
    return entry.name.endsWith('.ts') ? [relative(root, path)] : []
  })
}

/** Import and export-from declarations at the start of a line, and import() of a fixed name anywhere. */
const importForms =
  /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(importForms)]
    .map((match) => ({ file, specifier: match[1] ?? match[2] ?? '' }))
    .filter(({ specifier }) => !specifier.includes('${'))
}

const roomOf = (path: string) => path.split('/')[0] ?? ''
const isTest = (file: string) => file.startsWith('test/') || file.endsWith('.test.ts')
const isLocal = ({ specifier }: Import) => specifier.startsWith('.')

function reachable(room: string, seen = new Set<string>()): Set<string> {
  for (const next of rooms[room] ?? []) {
    if (seen.has(next)) continue
    seen.add(next)
    reachable(next, seen)
  }
  return seen
}

const imports = Object.keys(rooms)
  .flatMap((room) => sourceFiles(join(root, room)))
  .flatMap(importsOf)

const show = ({ file, specifier }: Import) => `${file} imports ${specifier}`

test('the imports are found at all', () => {
  assert.ok(imports.some((each) => each.file === 'test/house.test.ts' && each.specifier === 'node:test'))
  assert.ok(imports.some((each) => each.file === 'cli/main.ts' && each.specifier === './up/up.command.ts'))
})

test('no room can reach itself: the plan has no cycle', () => {
  assert.deepEqual(
    Object.keys(rooms).filter((room) => reachable(room).has(room)),
    [],
  )
})

test('rooms import only the rooms that the plan allows', () => {
  const wrong = imports.filter(isLocal).filter((each) => {
    const from = roomOf(each.file)
    const to = roomOf(relative(root, join(root, dirname(each.file), each.specifier)))
    // Tests beside a file may use the helpers under test/.
    return from !== to && !reachable(from).has(to) && !(isTest(each.file) && to === 'test')
  })
  assert.deepEqual(wrong.map(show), [])
})

test('server and agents never meet', () => {
  assert.ok(!reachable('server').has('agents') && !reachable('agents').has('server'))
  assert.ok(!reachable('server').has('host'))
})

test('relative imports name a file with its extension', () => {
  const wrong = imports.filter(isLocal).filter((each) => !/\.(ts|json)$/.test(each.specifier))
  assert.deepEqual(wrong.map(show), [])
})

test('packages are declared, those for development used by tests only', () => {
  const nameOf = (specifier: string) =>
    specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
  const wrong = imports
    .filter((each) => !isLocal(each) && !isBuiltin(each.specifier))
    .filter(({ file, specifier }) => {
      const name = nameOf(specifier)
      if (Object.hasOwn(declared.dependencies, name)) return false
      return !(isTest(file) && Object.hasOwn(declared.devDependencies, name))
    })
  assert.deepEqual(wrong.map(show), [])
})

test('built-in modules are imported by their node: names', () => {
  const wrong = imports.filter((each) => isBuiltin(each.specifier) && !each.specifier.startsWith('node:'))
  assert.deepEqual(wrong.map(show), [])
})

test('rooms that run in a browser import nothing of Node.js', () => {
  const wrong = imports
    .filter((each) => browserRooms.includes(roomOf(each.file)) && !isTest(each.file))
    .filter((each) => isBuiltin(each.specifier) && !nodeOnly.includes(each.file))
  assert.deepEqual(wrong.map(show), [])
})

/** Parentheses and what is in them, three deep. */
const parameters = String.raw`\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)`
/** Exported functions, each signature of an overloaded one, and constants that are arrow functions. */
const exportedFunctions = new RegExp(
  [
    String.raw`^export (?:async )?function\*? (\w+)`,
    String.raw`^export const (\w+)(?::[^\n]*?)? =\s+(?:async )?(?:\w+|(?:<[^\n]*>)?${parameters}(?:: [^\n]*?)?) =>`,
  ].join('|'),
  'gm',
)
/** A doc comment that ends the text, with nothing but comments of linters after it. */
const docAtEnd = /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?:\/\/ (?:biome-ignore|@ts-)[^\n]*\n)*$/

/** Helpers of tests aside, and migrations, whose `up` says no more than its name. */
const isPublic = (file: string) =>
  !isTest(file) && !/\.testing\.ts$|\/testing\//.test(file) && !file.startsWith('server/store/migrations/')

interface Exported {
  file: string
  line: number
  name: string
  documented: boolean
}

function exportsOf(file: string): Exported[] {
  const text = readFileSync(join(root, file), 'utf8')
  const documented = new Set<string>()
  return [...text.matchAll(exportedFunctions)].map((match) => {
    const name = match[1] ?? match[2] ?? ''
    const before = text.slice(0, match.index)
    // The first signature of an overloaded function speaks for the others.
    if (docAtEnd.test(before.slice(before.lastIndexOf('/**')))) documented.add(name)
    return { file, line: before.split('\n').length, name, documented: documented.has(name) }
  })
}

test('every exported function has a doc comment', () => {
  const all = Object.keys(rooms)
    .flatMap((room) => sourceFiles(join(root, room)))
    .filter(isPublic)
    .flatMap(exportsOf)
  const found = (file: string, name: string) => all.some((each) => each.file === file && each.name === name)
  assert.ok(found('lib/uuid.ts', 'uuid5') && found('model/fields/lists.ts', 'uniqueStrings'))
  const wrong = all.filter((each) => !each.documented)
  assert.deepEqual(
    wrong.map(({ file, line, name }) => `${file}:${line} ${name}`),
    [],
  )
})
