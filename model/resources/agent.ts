/** Agents: the parts of the cloud that run on hosts, as their heartbeats tell. */
import { boolean } from '../fields/boolean.ts'
import { timestamp } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { object } from '../fields/object.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'

export const agent = resource('agent', {
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    agent_type: attribute(string(255), { write: 'never', filter: true, sort: true }),
    binary: attribute(string(255), { write: 'never', filter: true, sort: true }),
    topic: attribute(string(255), { write: 'never', filter: true, sort: true }),
    host: attribute(string(255), { write: 'never', filter: true, sort: true }),
    admin_state_up: attribute(boolean, { write: 'update', filter: true, sort: true }),
    created_at: attribute(timestamp, { write: 'never', sort: true }),
    started_at: attribute(timestamp, { write: 'never', sort: true }),
    heartbeat_timestamp: attribute(timestamp, { write: 'never', sort: true }),
    alive: attribute(boolean, { write: 'never', filter: true, sort: true }),
    configurations: attribute(object, { write: 'never' }),
    description: attribute(orNull(string(255)), { write: 'update', filter: true, sort: true }),
  },
})
