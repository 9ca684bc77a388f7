/** A server process of its own for probes over HTTP, and places for what is made there. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { request } from 'undici'
import { makeCredential } from '../../../bus/credential.ts'
import type { AgentState } from '../../../bus/feed.ts'
import { httpFeed } from '../../../bus/http.ts'
import { servicePluginNames } from '../../../server/plugins.ts'
import { freePort } from '../../free-port.ts'
import type { Place } from '../policy/recipes.ts'

export type Body = Record<string, unknown>

const allRoles = 'admin,manager,member,reader,service'

/** Of the feed. */
const secret = 'the-secret'

export interface Answer {
  status: number
  type: string | undefined
  message: string
  body: Body
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** `body` as JSON, or as it is where it is bytes. */
export type Call = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

export interface Server {
  /** As administrator, and service, of the project `p`. */
  call: Call
  /** Tells of an agent on a new host; answers the host. */
  report(agent: AgentState): Promise<string>
}

/** A server process of its own. */
export async function startServer(t: Pick<TestContext, 'after'>): Promise<Server> {
  const state = await mkdtemp(join(tmpdir(), 'nucleon-probe-'))
  await mkdir(join(state, 'server'))
  const file = join(state, 'nucleon.conf')
  await writeFile(
    file,
    `[DEFAULT]\nauth_strategy = noauth\nservice_plugins = ${servicePluginNames.join(',')}\ndns_domain = cloud.example.\n` +
      '[ml2]\ntype_drivers = local,flat,vlan,gre,vxlan,geneve\ntenant_network_types = vxlan\n' +
      '[ml2_type_vxlan]\nvni_ranges = 1:60000\n[ml2_type_flat]\nflat_networks = *\n' +
      '[ml2_type_vlan]\nnetwork_vlan_ranges = physnet1:100:199\n' +
      '[quotas]\n' +
      [
        'network',
        'subnet',
        'port',
        'security_group',
        'security_group_rule',
        'rbac_policy',
        'subnetpool',
        'trunk',
      ]
        .map((name) => `quota_${name} = -1\n`)
        .join(''),
  )
  const port = await freePort()
  await writeFile(join(state, 'secret'), secret)
  const feed = `unix:${join(state, 'server', 'feed.sock')}`
  const main = new URL('../../../server/main.ts', import.meta.url).pathname
  const child = spawn(
    process.execPath,
    [
      main,
      '--config-file',
      file,
      '--state',
      state,
      '--api',
      `127.0.0.1:${port}`,
      '--identity',
      '127.0.0.1:0',
      '--feed',
      feed,
      '--feed-secret-file',
      join(state, 'secret'),
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the server ended: ${output.slice(-2000)}`)
  })
  ended.catch(() => {})
  t.after(async () => {
    child.kill('SIGKILL')
    await ended.catch(() => {})
    await rm(state, { recursive: true, force: true })
  })
  await Promise.race([once(child, 'message'), ended])
  let hosts = 0
  const report = async (agent: AgentState): Promise<string> => {
    const host = `host-${++hosts}`
    const connection = httpFeed({ url: feed, credential: makeCredential(secret, host) })
    await connection.heartbeat({
      started_at: new Date().toISOString(),
      agents: [agent],
      position: null,
      digest: null,
    })
    await connection.close()
    return host
  }
  const call: Call = async (method, path, body, headers = {}) => {
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'x-project-id': 'p', 'x-roles': allRoles, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    const shown = ((text === '' ? null : JSON.parse(text)) ?? {}) as Body & {
      NeutronError?: { type: string; message: string }
    }
    const { type, message = '' } = shown.NeutronError ?? {}
    return { status: answer.statusCode, type, message, body: shown, headers: answer.headers }
  }
  return { call, report }
}

/** A place of the project `p`, with a network and a subnet. */
export async function placeOf({ call, report }: Server): Promise<Place> {
  let number = 0
  const make: Place['make'] = async (path, name, body) => {
    const answer = await call('POST', `/v2.0/${path}`, { [name]: body })
    assert.equal(answer.status, 201, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body[name] as Body & { id: string }
  }
  const agent = async (): Promise<string> => {
    const host = await report({
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      availability_zone: 'nova',
      configurations: {},
    })
    const { body } = await call('GET', `/v2.0/agents?host=${host}`)
    return String((body.agents as Body[])[0]?.id)
  }
  const network = await make('networks', 'network', {})
  const subnet = await make('subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.1.0.0/16',
  })
  return {
    owner: 'p',
    network: network.id,
    subnet: subnet.id,
    here: 'p',
    next: () => ++number,
    make,
    put: (path, body) => call('PUT', `/v2.0/${path}`, body),
    async clear(path, filters) {
      const { body } = await call('GET', `/v2.0/${path}?${new URLSearchParams(filters)}`)
      for (const { id } of Object.values(body).flat() as Body[]) await call('DELETE', `/v2.0/${path}/${id}`)
    },
    agent,
    host: () =>
      report({
        agent_type: 'Open vSwitch agent',
        binary: 'neutron-openvswitch-agent',
        availability_zone: null,
        configurations: { tunnel_types: ['vxlan'] },
      }),
  }
}
