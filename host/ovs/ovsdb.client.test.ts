import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createJsonSplitter } from './json.splitter.ts'
import { createOvsdbClient } from './ovsdb.client.ts'

/** Milliseconds; a busy machine must not keep the answer of the same process away that long. */
const patience = 300

test('a server that is silent but there is kept; one that is frozen is given up, and found again', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-ovsdb-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'db.sock')
  const sockets = new Set<Socket>()
  let frozen = false
  let echoes = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const splitter = createJsonSplitter()
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const message of splitter.push(text)) {
        const { method, params, id } = message as { method: string; params: unknown; id: unknown }
        if (method === 'echo') echoes++
        const result = method === 'monitor' ? {} : method === 'echo' ? params : [{ count: 1 }]
        socket.write(JSON.stringify({ result, error: null, id }))
      }
    })
    socket.on('error', () => {})
    if (frozen) socket.pause()
  })
  const freeze = (value: boolean): void => {
    frozen = value
    for (const socket of sockets) frozen ? socket.pause() : socket.resume()
  }
  server.listen(path)
  await once(server, 'listening')
  t.after(() => server.close())
  const lost: string[] = []
  let resets = 0
  const client = createOvsdbClient({
    socket: path,
    database: 'Open_vSwitch',
    tables: {},
    patience,
    listener: { reset: () => resets++, update() {}, lost: (reason) => lost.push(reason) },
  })
  t.after(() => client.stop())
  await client.start(1000)
  for (const end = performance.now() + 5000; echoes < 2 && performance.now() < end; ) await sleep(50)
  assert.ok(echoes > 1)
  assert.deepEqual(lost, [])

  freeze(true)
  await assert.rejects(client.transact([]), /does not answer/)
  assert.deepEqual([client.connected, lost], [false, ['it does not answer']])
  await sleep(4 * patience)
  freeze(false)
  while (!client.connected) await sleep(5)
  assert.equal(resets, 2)
  assert.deepEqual(await client.transact([]), [{ count: 1 }])
})
