import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

/** Lets `times` writes pass; from then on they fail half done, as on a full disk or with another code. */
export function fillDisk(t: TestContext, times = 0, code = 'ENOSPC'): { free(): void } {
  const { writeFileSync, writeSync, promises } = fs
  const { writeFile } = promises
  let left = times
  const isFull = (): boolean => left-- <= 0
  const full = Object.assign(new Error(`${code}: the disk cannot be written`), { code })
  const sync = t.mock.method(
    fs,
    'writeFileSync',
    (file: fs.PathOrFileDescriptor, data: string, how: object) => {
      if (!isFull()) return writeFileSync(file, data, how)
      writeFileSync(file, data.slice(0, data.length >> 1), how)
      throw full
    },
  )
  const async = t.mock.method(promises, 'writeFile', async (file: string, data: string, how: object) => {
    if (!isFull()) return writeFile(file, data, how)
    await writeFile(file, data.slice(0, data.length >> 1), how)
    throw full
  })
  const part = t.mock.method(fs, 'writeSync', (file: number, data: Buffer, offset = 0) => {
    if (!isFull()) return writeSync(file, data, offset)
    writeSync(file, data, offset, (data.length - offset) >> 1)
    throw full
  })
  syncBuiltinESMExports()
  const free = (): void => {
    for (const { mock } of [sync, async, part]) mock.restore()
    syncBuiltinESMExports()
  }
  t.after(free)
  return { free }
}
