/**
 * `nucleon demo`: starts the all-in-one, builds the world through the API, proves with traffic what works, and stays
 * up; with --once it removes all of it again and looks whether anything is left.
 */
import { inspect } from 'node:util'
import { findOvs } from '../../host/ovs/daemons.ts'
import { UserError } from '../errors.ts'
import { defaultState } from '../paths.ts'
import { runningIn } from '../state/control.ts'
import { type Layout, layoutOf, readMemory, requireMemory } from '../state/layout.ts'
import { type AllInOne, startAllInOne, type UpOptions } from '../up/all-in-one.ts'
import { removeAll } from '../up/down.ts'
import { endSignal } from '../up/up.command.ts'
import { type Check, CheckFailure } from './check.ts'
import { checks } from './checks.ts'
import { faultOf } from './faults.ts'
import { difference, footprint } from './footprint.ts'
import { buildWorld, clearWorld, closeClients, openClients, type World } from './world.ts'

interface DemoOptions extends UpOptions {
  once?: true
  fault?: string
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const warn = (text: string) => process.stderr.write(`nucleon: ${text}\n`)

function line(mark: string, started: number, text: string): void {
  const ms = `${Math.round(performance.now() - started)} ms`
  say(`  ${mark.padEnd(4)} ${ms.padStart(8)}  ${text}`)
}

/** Does one step and prints it with its time. */
async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await work()
  line('done', started, what)
  return result
}

/** Runs one check, prints how it went, and answers whether it passed. */
async function prove(check: Pick<Check, 'name'>, work: () => Promise<string>): Promise<boolean> {
  const started = performance.now()
  try {
    const proved = await work()
    line('ok', started, `${check.name}: ${proved}`)
    return true
  } catch (error) {
    line('FAIL', started, check.name)
    const brief = (value: unknown) =>
      inspect(value, { breakLength: 100, depth: 5, maxArrayLength: 12 }).replaceAll(
        '\n',
        '\n                  ',
      )
    if (error instanceof CheckFailure) {
      say(`         checked   ${error.message}`)
      say(`         expected  ${brief(error.expected)}`)
      say(`         seen      ${brief(error.seen)}`)
      say(`         look at   ${error.look}`)
    } else {
      say(`         ${error instanceof UserError ? error.message : inspect(error)}`)
      if (error instanceof UserError && error.hint !== undefined) say(`         ${error.hint}`)
    }
    return false
  }
}

async function proveAll(world: World, fault: string | undefined): Promise<number> {
  if (fault !== undefined) await step(`fault planted: ${fault}`, () => faultOf(fault)(world))
  let failed = 0
  for (const check of checks) {
    if (!(await prove(check, () => check.run(world)))) failed += 1
  }
  return failed
}

function howToGoOn(layout: Layout, state: string): string {
  const option = state === defaultState ? '' : ` --state ${layout.root}`
  return `
Go on from here, in another shell:
  export OS_CLIENT_CONFIG_FILE=${layout.clouds}
  openstack --os-cloud blue network list          (python3-openstackclient; clouds: admin, blue, red)
  openstack --os-cloud blue port list --network blue-net
  openstack --os-cloud admin network agent list
  ./nucleon instance${option} exec blue1 -- ping -c 3 blue2
  ./nucleon instance${option} create blue9 --network blue-net
  ./nucleon instance${option} list
Ctrl-C ends the processes and leaves the traffic; ./nucleon down${option} removes all.`
}

/** What the host looks like where no switch of ours runs yet; with the switch that runs, if one does. */
async function hostFootprint(): Promise<string[]> {
  const running = await findOvs()
  return footprint(running ?? null)
}

/** Starts the all-in-one; what a failed start leaves is removed with --once, as after a good one. */
async function start(options: DemoOptions, layout: Layout): Promise<AllInOne> {
  try {
    return await startAllInOne({ ...options, repair: options.fault === undefined }, warn)
  } catch (error) {
    if (options.once === true && readMemory(layout) !== undefined) await removeAll(layout, warn)
    throw error
  }
}

async function runDemo(options: DemoOptions, layout: Layout): Promise<number> {
  const memory = requireMemory(layout)
  const clients = openClients(layout)
  try {
    await step('what an earlier demo made is cleared away', () => clearWorld({ layout, memory, clients }))
    const world = await step('networks, ports and instances are built', () =>
      buildWorld(layout, memory, clients),
    )
    return await proveAll(world, options.fault)
  } finally {
    await closeClients(clients)
  }
}

/**
 * The exit code is 1 when a check fails or it is interrupted. With --once throws UserError where a stopped all-in-one
 * is in that state; one that runs already is used, and stays.
 */
export async function demo(options: DemoOptions): Promise<void> {
  const started = performance.now()
  const layout = layoutOf(options.state)
  if (options.fault !== undefined) faultOf(options.fault)
  const running = await runningIn(layout)
  if (options.once === true && running === undefined && readMemory(layout) !== undefined) {
    throw new UserError(
      `there is an all-in-one in ${layout.root}, which --once would remove`,
      `Remove it first: nucleon down --state ${layout.root}. Or choose another --state.`,
    )
  }
  const ended = endSignal()
  const before = options.once === true && process.getuid?.() === 0 ? await hostFootprint() : []
  say('Nucleon demo')
  const own =
    running === undefined ? await step('the all-in-one is started', () => start(options, layout)) : undefined
  let failed: number
  try {
    failed = await Promise.race([runDemo(options, layout), ended.then(() => -1)])
  } catch (error) {
    failed = 1
    warn(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const interrupted = failed === -1
  if (options.once === true && own !== undefined) {
    await own.stop()
    const clean = await prove({ name: 'cleaning up leaves nothing behind' }, async () => {
      await removeAll(layout, warn)
      const left = difference(before, await hostFootprint())
      if (left.length > 0) throw new CheckFailure('the host, compared with before', [], left, 'nucleon down')
      return 'the host is as before'
    })
    if (!clean) failed += 1
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (interrupted) {
    say(`Interrupted after ${seconds} s.`)
  } else {
    say(
      failed === 0
        ? `All ${checks.length} checks passed in ${seconds} s.`
        : `${failed} checks failed in ${seconds} s.`,
    )
  }
  if (failed !== 0) process.exitCode = 1
  if (options.once === true || interrupted) {
    if (options.once !== true) await own?.stop()
    return
  }
  say(howToGoOn(layout, options.state))
  if (own === undefined) return
  await Promise.race([ended, own.askedToStop])
  await own.stop()
}
