/** Golden files: what a role makes, as sorted text beside the test. `UPDATE_GOLDEN=1` writes them anew. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HostObject, objectKey } from '../../host/objects.ts'

/** Compares with `<directory>/<name>.golden`, which must exist unless it is being written. */
export function matchesGolden(directory: string, name: string, objects: readonly HostObject[]): void {
  const path = join(directory, `${name}.golden`)
  const text = objects.map(describe).sort().join('')
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text)
  assert.ok(existsSync(path), `${path} is missing: write it with UPDATE_GOLDEN=1, and read it`)
  assert.equal(text, readFileSync(path, 'utf8'))
}

/** An object as text: its key, and a line for each of its other values. */
function describe(object: HostObject): string {
  const key = objectKey(object)
  if (object.kind === 'flow') return `${key} -> ${object.actions}\n`
  const shown = key.split(' ')
  const lines = Object.entries(object).flatMap(([name, value]) => {
    if (name === 'kind' || shown.includes(String(value))) return []
    if (Array.isArray(value)) return [`${name}:`, ...value.map((item) => `  ${item}`)]
    if (name === 'content')
      return [
        `${name}:`,
        ...String(value)
          .trimEnd()
          .split('\n')
          .map((line) => `  ${line}`),
      ]
    if (name === 'mode') return [`mode: 0${Number(value).toString(8)}`]
    return [`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`]
  })
  return [key, ...lines.map((line) => `    ${line}`)].map((line) => `${line}\n`).join('')
}
