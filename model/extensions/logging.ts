/** Logging of traffic that security groups decide on. */
import { extension } from '../resource.ts'
import { log, loggableResource } from '../resources/log.ts'

export const logging = extension('logging', {
  name: 'Logging API Extension',
  description: 'What of the traffic is to be logged',
  updated: '2017-01-01T10:00:00-00:00',
  resources: [log, loggableResource],
})
