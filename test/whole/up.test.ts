/** The all-in-one as a user runs it: starts, refuses a twin, survives kills, leaves traffic alone, goes without a trace. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startUp, stopUp } from '../../cli/bench/bench.place.ts'
import { difference, footprint } from '../../cli/demo/footprint.ts'
import { runningIn } from '../../cli/state/control.ts'
import { type Layout, layoutOf, readCloud } from '../../cli/state/layout.ts'
import { createClient } from '../../client/http.ts'
import { create, list } from '../../client/networking.ts'
import { CommandError, run } from '../../host/run.ts'
import { boxed } from '../kernel/boxed.ts'

const launcher = new URL('../../nucleon', import.meta.url).pathname

boxed(import.meta.filename, () => {
  let directory = ''
  let layout: Layout
  let up: ChildProcess
  let clean: string[]

  const nucleon = (...args: string[]) => run([launcher, ...args], { timeout: 60_000 })
  const instance = (...args: string[]) => nucleon('instance', ...args, '--state', layout.root)

  async function refused(work: Promise<unknown>): Promise<string> {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof CommandError, 'it succeeds')
    assert.doesNotMatch(error.stderr, /^ {4}at /m)
    return error.stderr
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'up-'))
    chmodSync(directory, 0o755)
    layout = layoutOf(join(directory, 'state'))
    clean = await footprint(null)
    const started = await startUp(layout)
    up = started.up
  })
  after(async () => {
    await stopUp(up)
    rmSync(directory, { recursive: true, force: true })
  })

  test('secrets are for root and the server alone, and the server has no privileges', async () => {
    for (const path of [
      layout.clouds,
      layout.secrets,
      layout.credential,
      layout.feedSecret,
      layout.bootstrap,
    ]) {
      assert.equal(statSync(path).mode & 0o077, 0, path)
    }
    const pid = (await runningIn(layout))?.parts.server.pid
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    assert.match(status, /^Uid:\t(?!0\t)(\d+)\t\1\t\1\t\1$/m)
    assert.match(status, /^CapEff:\t0+$/m)
    assert.match(status, /^Groups:\t\d* ?$/m)
  })

  test('a second one is refused and told of the first', async () => {
    const elsewhere = await refused(nucleon('up', '--state', join(directory, 'other'), '--api-port', '9700'))
    assert.match(elsewhere, /another nucleon runs in this network namespace \(process \d+, state .*state\)/)
  })

  test('mistakes are told with what to do', async () => {
    assert.match(await refused(instance('create', 'a b', '--network', 'x')), /is no name for an instance/)
    assert.match(await refused(instance('create', 'one')), /either --port ID or --network/)
    assert.match(
      await refused(instance('create', 'one', '--network', 'nowhere')),
      /there is no network nowhere/,
    )
    assert.match(await refused(instance('delete', 'nobody')), /there is no instance nobody/)
  })

  test('instances come up, and a ping outlives server, agent and supervisor', async () => {
    const blue = createClient(readCloud(layout, 'blue'))
    const network = await create(blue, 'network', { name: 'net1' })
    await create(blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/24' })
    assert.match(
      await instance('create', 'one', '--network', 'net1'),
      /^one is up with 10\.3\.0\.\d+ after \d+ ms/,
    )
    await instance('create', 'two', '--network', network.id)
    assert.match(
      await refused(instance('create', 'two', '--network', 'net1')),
      /there is an instance two already/,
    )
    const rows: { name: string; addresses: string[]; port_status: string }[] = JSON.parse(
      await instance('list', '--json'),
    )
    assert.deepEqual(
      rows.map((row) => [row.name, row.port_status]),
      [
        ['one', 'ACTIVE'],
        ['two', 'ACTIVE'],
      ],
    )
    const target = rows[1]?.addresses[0] ?? ''
    assert.match(
      await nucleon('instance', 'exec', '--state', layout.root, 'one', '--', 'ping', '-c1', 'two'),
      / 0% packet loss/,
    )

    const ping = spawn('ip', ['netns', 'exec', 'inst-one', 'ping', '-q', '-i', '0.05', target], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said: Buffer[] = []
    ping.stdout.on('data', (chunk: Buffer) => said.push(chunk))
    for (const part of ['server', 'agent'] as const) {
      const pid = (await runningIn(layout))?.parts[part].pid ?? 0
      process.kill(pid, 'SIGKILL')
      for (let n = 0; n < 500; n += 1) {
        const now = (await runningIn(layout))?.parts[part]
        if (now?.pid !== pid && now?.readyAfter != null) break
        await sleep(20)
      }
      assert.notEqual((await runningIn(layout))?.parts[part].readyAfter, null, `${part} came back`)
    }
    await stopUp(up)
    await sleep(300)
    up = (await startUp(layout)).up
    await sleep(300)
    const ended = once(ping, 'close')
    ping.kill('SIGINT')
    await ended
    const [, sent, received] =
      /(\d+) packets transmitted, (\d+) received/.exec(Buffer.concat(said).toString()) ?? []
    assert.ok(Number(sent) > 20, `sent ${sent}`)
    assert.equal(received, sent)
    const agents = await list(blue, 'agent').catch(() => [])
    assert.deepEqual(agents, [], 'a tenant sees no agents')
    await blue.close()
  })

  test('down removes everything, and has nothing to do the second time', async () => {
    assert.equal(await nucleon('down', '--state', layout.root), `removed all of ${layout.root}\n`)
    assert.deepEqual(difference(clean, await footprint(null)), [])
    assert.equal(existsSync(layout.root), false)
    assert.equal(await nucleon('down', '--state', layout.root), `nothing to remove in ${layout.root}\n`)
  })

  test('Nucleon may lie where only root may go', async () => {
    const hidden = join(directory, 'hidden')
    mkdirSync(join(hidden, 'nucleon'), { recursive: true })
    await run(['mount', '--bind', dirname(launcher), join(hidden, 'nucleon')])
    chmodSync(hidden, 0o700)
    up = (await startUp(layout, join(hidden, 'nucleon', 'nucleon'))).up
    const pid = (await runningIn(layout))?.parts.server.pid
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t(?!0\t)/m)
    const blue = createClient(readCloud(layout, 'blue'))
    await create(blue, 'network', { name: 'net1' })
    await blue.close()
    await stopUp(up)
    await nucleon('down', '--state', layout.root)
    await run(['umount', join(hidden, 'nucleon')])
    assert.deepEqual(difference(clean, await footprint(null)), [])
  })
})
