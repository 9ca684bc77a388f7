/** The base API: what is there whatever is loaded. */
import type { Resource } from '../resource.ts'
import { network } from './network.ts'
import { port } from './port.ts'
import { subnet } from './subnet.ts'
import { subnetpool } from './subnetpool.ts'

export const coreResources: readonly Resource[] = [network, subnet, port, subnetpool]
