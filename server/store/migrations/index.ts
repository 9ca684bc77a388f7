/** The migrations in the order in which they run. */
import { up as networking } from './0001-networking.ts'
import { up as feed } from './0002-feed.ts'
import { up as identity } from './0003-identity.ts'
import { up as bindingWired } from './0010-binding-wired.ts'
import { up as oneActiveBinding } from './0011-one-active-binding.ts'
import { up as dhcp } from './0020-dhcp.ts'
import { up as rbac } from './0040-rbac.ts'
import { up as quotas } from './0041-quotas.ts'
import { up as securityGroups } from './0042-security-groups.ts'
import { up as subnetpools } from './0050-subnetpools.ts'
import { up as metering } from './0060-metering.ts'
import { up as qos } from './0061-qos.ts'
import { up as extras } from './0062-extras.ts'
import { up as trunks } from './0063-trunks.ts'
import { up as services } from './0064-services.ts'
import { up as defaultStatefulness } from './0070-default-statefulness.ts'
import { up as listIndexes } from './0080-list-indexes.ts'
import { up as compactTables } from './0081-compact-tables.ts'
import { up as segments } from './0090-segments.ts'
import { up as networkSegmentRanges } from './0091-network-segment-ranges.ts'
import { up as autoAllocatedTopologies } from './0092-auto-allocated-topologies.ts'
import { up as addressesOfPorts } from './0093-addresses-of-ports.ts'
import { up as addressesByRow } from './0094-addresses-by-row.ts'
import { up as looksForAgents } from './0095-looks-for-agents.ts'
import type { Migration } from './migration.ts'

export const migrations: readonly Migration[] = [
  { name: '0001-networking', up: networking },
  { name: '0002-feed', up: feed },
  { name: '0003-identity', up: identity },
  { name: '0010-binding-wired', up: bindingWired },
  { name: '0011-one-active-binding', up: oneActiveBinding },
  { name: '0020-dhcp', up: dhcp },
  { name: '0040-rbac', up: rbac },
  { name: '0041-quotas', up: quotas },
  { name: '0042-security-groups', up: securityGroups },
  { name: '0050-subnetpools', up: subnetpools },
  { name: '0060-metering', up: metering },
  { name: '0061-qos', up: qos },
  { name: '0062-extras', up: extras },
  { name: '0063-trunks', up: trunks },
  { name: '0064-services', up: services },
  { name: '0070-default-statefulness', up: defaultStatefulness },
  { name: '0080-list-indexes', up: listIndexes },
  { name: '0090-segments', up: segments },
  { name: '0081-compact-tables', up: compactTables },
  { name: '0091-network-segment-ranges', up: networkSegmentRanges },
  { name: '0092-auto-allocated-topologies', up: autoAllocatedTopologies },
  { name: '0093-addresses-of-ports', up: addressesOfPorts },
  { name: '0094-addresses-by-row', up: addressesByRow },
  { name: '0095-looks-for-agents', up: looksForAgents },
]
