import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

/** Lets whole files be written `times` times; from then on such writes fail half done, as on a full disk. */
export function fillDisk(t: TestContext, times = 0): { free(): void } {
  const { writeFileSync, promises } = fs
  const { writeFile } = promises
  let left = times
  const isFull = (): boolean => left-- <= 0
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
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
  syncBuiltinESMExports()
  const free = (): void => {
    sync.mock.restore()
    async.mock.restore()
    syncBuiltinESMExports()
  }
  t.after(free)
  return { free }
}
