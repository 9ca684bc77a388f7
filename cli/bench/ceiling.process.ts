/**
 * The ceiling that port creation is measured against: the same HTTP framework and database engine with nothing
 * between them, one durable insert a request. Arguments: port, database file.
 */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'

const [port, file = ':memory:'] = process.argv.slice(2)
const database = new DatabaseSync(file)
database.exec(
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY',
)
database.exec('CREATE TABLE ports (id TEXT PRIMARY KEY, name TEXT NOT NULL, network_id TEXT NOT NULL)')
const insert = database.prepare('INSERT INTO ports (id, name, network_id) VALUES (?, ?, ?)')

const app = Fastify()
app.post('/v2.0/ports', (request, reply) => {
  const { port: asked } = request.body as { port: { name: string; network_id: string } }
  const made = { id: randomUUID(), ...asked }
  insert.run(made.id, made.name, made.network_id)
  return reply.code(201).send({ port: made })
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
