import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dhcpAgentSections,
  l2AgentSections,
  loadRoleConfig,
  serverSections,
} from '../../runtime/config/roles.ts'
import { cloudOf } from '../state/layout.ts'
import { bootstrapDocument, cloudsText, configText } from './texts.ts'

const secrets = { admin: 'a', blue: 'b', red: 'r', feed: 'f' }
const files = [
  { path: 'nucleon.conf', text: configText({ host: 'h1', datapath: 'netdev', localIp: '192.0.2.1' }) },
]

test('each process reads the written configuration without a warning', () => {
  const server = loadRoleConfig(serverSections, { files })
  const l2 = loadRoleConfig(l2AgentSections, { files })
  const dhcp = loadRoleConfig(dhcpAgentSections, { files })
  assert.deepEqual([...server.warnings, ...l2.warnings, ...dhcp.warnings], [])
  assert.equal(server.values.DEFAULT.auth_strategy, 'embedded')
  assert.deepEqual(server.values.ml2.tenant_network_types, ['vxlan'])
  assert.equal(l2.values.ovs.local_ip, '192.0.2.1')
  assert.deepEqual([...l2.values.ovs.bridge_mappings.keys()], ['public', 'physnet1'])
  assert.equal(dhcp.values.DEFAULT.dns_domain, server.values.DEFAULT.dns_domain)
})

test('clouds.yaml names every cloud with where and who', () => {
  const cloud = cloudOf({ identityPort: 5001 }, secrets, 'blue')
  const text = cloudsText([['blue', cloud]])
  assert.match(text, /^clouds:\n {2}blue:\n {4}auth:\n {6}auth_url: "http:\/\/127\.0\.0\.1:5001\/v3"$/m)
  assert.match(text, /^ {6}password: "b"$/m)
})

test('the first users are the administrator and two members, each in a project of its own', () => {
  assert.deepEqual(bootstrapDocument(secrets), {
    projects: [{ name: 'admin' }, { name: 'blue' }, { name: 'red' }],
    users: [
      { name: 'admin', password: 'a' },
      { name: 'blue', password: 'b' },
      { name: 'red', password: 'r' },
    ],
    assignments: [
      { user: 'admin', project: 'admin', role: 'admin' },
      { user: 'blue', project: 'blue', role: 'member' },
      { user: 'red', project: 'red', role: 'member' },
      { user: 'admin', system: 'all', role: 'admin' },
    ],
  })
})
