/** Raw Ethernet frames into and out of instances, each carrying a marker that tells it from all others. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { run } from '../../host/run.ts'
import { repository } from '../paths.ts'

const script = `${repository}/cli/demo/frames.pl`

/** EtherType for local experiments (IEEE Std 802). */
const experimental = '88b5'
const broadcast = 'ff:ff:ff:ff:ff:ff'

export interface FrameSpec {
  from: string
  /** A MAC; broadcast when absent. */
  to?: string
  /** VLAN ids, outermost first; none for an untagged frame. */
  vlans?: readonly number[]
  /** Up to 40 characters of ASCII, found again in what was captured. */
  marker: string
}

/** The frame as hex, padded to Ethernet's minimum of 60 octets. */
export function frameHex({ from, to = broadcast, vlans = [], marker }: FrameSpec): string {
  const octets = (mac: string) => mac.replaceAll(':', '')
  const tags = vlans.map((id) => `8100${id.toString(16).padStart(4, '0')}`).join('')
  const payload = Buffer.from(`nucleon:${marker};`).toString('hex')
  return `${octets(to)}${octets(from)}${tags}${experimental}${payload}`.padEnd(120, '0')
}

/** The marker in a captured frame; undefined for frames that are not of this kind. */
export function markerOf(hex: string): string | undefined {
  const start = hex.indexOf(Buffer.from('nucleon:').toString('hex'))
  if (start === -1) return undefined
  return /^nucleon:([^;]*);/.exec(Buffer.from(hex.slice(start), 'hex').toString('latin1'))?.[1]
}

/** Sends frames out of an instance's eth0. */
export async function sendFrames(namespace: string, frames: readonly FrameSpec[]): Promise<void> {
  await run(['ip', 'netns', 'exec', namespace, 'perl', script, 'send', 'eth0'], {
    input: `${frames.map(frameHex).join('\n')}\n`,
  })
}

/** Sends one frame again and again, every so many milliseconds, until stopped. */
export function repeatFrame(
  namespace: string,
  frame: FrameSpec,
  milliseconds: number,
): { stop(): Promise<void> } {
  const argv = ['netns', 'exec', namespace, 'perl', script, 'repeat', 'eth0', String(milliseconds)]
  const child = spawn('ip', argv, { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = once(child, 'close')
  child.stdin.end(`${frameHex(frame)}\n`)
  return {
    async stop() {
      child.kill()
      await ended
    },
  }
}

export interface Capture {
  /** Markers seen so far, with the time (performance.now()) that each was first seen. */
  readonly markers: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** Watches what arrives at a device in a namespace. Resolves once it watches. */
export async function captureFrames(namespace: string, device = 'eth0'): Promise<Capture> {
  const child = spawn('ip', ['netns', 'exec', namespace, 'perl', script, 'capture', device, '120'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const markers = new Map<string, number>()
  const { promise: ready, resolve: becomeReady, reject } = Promise.withResolvers<void>()
  child.once('error', reject)
  const ended = once(child, 'close')
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'ready') becomeReady()
    const marker = markerOf(line)
    if (marker !== undefined && !markers.has(marker)) markers.set(marker, performance.now())
  })
  await Promise.race([
    ready,
    ended.then(([code]) => Promise.reject(new Error(`cannot capture in ${namespace} (${code})`))),
  ])
  return {
    markers,
    async stop() {
      child.kill()
      await ended
    },
  }
}
