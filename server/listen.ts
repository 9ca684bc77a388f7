/** Addresses that the server listens on: `HOST:PORT`, `[V6]:PORT`, `unix:/path`. */
import { chmod, lstat, unlink } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { parseHostPort } from '../lib/addresses.ts'

export interface TcpAddress {
  host: string
  /** 0 means any free one. */
  port: number
}

export type Address = TcpAddress | { path: string }

/** Throws when the text is no address. */
export function parseTcpAddress(text: string): TcpAddress {
  const address = parseHostPort(text)
  if (address === undefined) throw new Error(`${text} is no address: expected HOST:PORT`)
  return address
}

/** `unix:/path/feed.sock` or `http://HOST:PORT`. */
export function parseFeedAddress(text: string): Address {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) }
  if (text.startsWith('http://')) return parseTcpAddress(text.slice('http://'.length).replace(/\/$/, ''))
  throw new Error(`${text} is no address of the feed: expected unix:/PATH or http://HOST:PORT`)
}

/** Lets a server listen; answers its address, the port that was chosen included. */
export async function listen(server: FastifyInstance, address: TcpAddress): Promise<TcpAddress> {
  await server.listen(address)
  const { port } = server.server.address() as AddressInfo
  return { host: address.host, port }
}

/** Lets a server listen on a socket that its own user and root alone may reach; one left behind makes way. */
export async function listenOnSocket(server: FastifyInstance, path: string): Promise<void> {
  const left = await lstat(path).catch(() => undefined)
  if (left !== undefined) {
    if (!left.isSocket()) throw new Error(`${path} is there and no socket`)
    await unlink(path)
  }
  await server.listen({ path })
  await chmod(path, 0o600)
}

/** The address as clients on this machine write it: one that listens everywhere is reached by loopback. */
export function urlOf({ host, port }: TcpAddress): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}
