/** What configuration and command line mean to the server; the process is tested in test/api/server.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadRoleConfig, serverSections } from '../runtime/config/roles.ts'
import { silentLogger } from '../runtime/log.ts'
import { databaseOf } from './assembly.ts'
import { parseFeedAddress, parseTcpAddress, urlOf } from './listen.ts'
import { checkPlugins } from './plugins.ts'
import { dropPrivileges, parseUser } from './privileges.ts'

test('addresses', () => {
  assert.deepEqual(parseTcpAddress('127.0.0.1:9696'), { host: '127.0.0.1', port: 9696 })
  assert.deepEqual(parseTcpAddress('[::1]:0'), { host: '::1', port: 0 })
  assert.deepEqual(parseFeedAddress('unix:/run/feed.sock'), { path: '/run/feed.sock' })
  assert.deepEqual(parseFeedAddress('http://10.0.0.1:9697/'), { host: '10.0.0.1', port: 9697 })
  for (const wrong of ['9696', 'host', 'host:', ':9696', 'host:70000', '::1:80']) {
    assert.throws(() => parseTcpAddress(wrong), /HOST:PORT/, wrong)
  }
  assert.throws(() => parseFeedAddress('unix:relative'), /unix:\/PATH/)
  assert.equal(urlOf({ host: '0.0.0.0', port: 1 }), 'http://127.0.0.1:1')
  assert.equal(urlOf({ host: '::', port: 1 }), 'http://[::1]:1')
})

test('database connections as Neutron writes them', () => {
  const of = (connection: string) => {
    const files = [{ path: 'f', text: `[database]\nconnection = ${connection}\nmax_pool_size = 3` }]
    return databaseOf(loadRoleConfig(serverSections, { files }).values, { sqlitePath: '/default.db' })
  }
  assert.deepEqual(of(''), { engine: 'sqlite', path: '/default.db' })
  assert.deepEqual(of('sqlite:////var/lib/n.db'), { engine: 'sqlite', path: '/var/lib/n.db' })
  assert.deepEqual(of('postgresql+psycopg2://n:p@db/n'), {
    engine: 'postgres',
    url: 'postgresql://n:p@db/n',
    connections: 3,
  })
  assert.throws(
    () => of('mysql+pymysql://n:hidden@db/n'),
    (error: Error) => /mysql is not supported/.test(error.message) && !error.message.includes('hidden'),
  )
  assert.throws(() => of('sqlite:///relative.db'), /absolute/)
})

test('plugins: a slip ends the start, a stock name does not', () => {
  checkPlugins('ml2', ['router', 'neutron.services.qos.qos_plugin.QoSPlugin', 'tag'], silentLogger)
  assert.throws(() => checkPlugins('ml3', [], silentLogger), /known: ml2/)
  assert.throws(() => checkPlugins('ml2', ['ruoter'], silentLogger), /known: .*router/)
})

test('users to become are numbers, and never root', () => {
  assert.deepEqual(parseUser('61696:61697'), { uid: 61696, gid: 61697 })
  for (const wrong of ['0:5', '5:0', 'nobody:nogroup', '5', '5:5:5', '-1:5']) {
    assert.throws(() => parseUser(wrong), /UID:GID/, wrong)
  }
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  dropPrivileges({ uid, gid })
  assert.equal(process.getuid?.(), uid)
})
