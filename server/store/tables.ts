/**
 * The tables as Kysely sees them; the migrations beside this file make them.
 *
 * Column types are the same on both engines: text, integer (`bigint` in PostgreSQL where a value may pass 2^31) and
 * nothing else. Truth is an integer 0 or 1: parameters true and false are converted, what is read is always
 * 0 or 1, of SQL expressions (`exists …`) too. Times are ISO 8601 text in UTC, objects are JSON text. Integers above
 * 2^53 are kept as decimal text: reading one from an integer column throws.
 */
import type { FeedTables } from './tables/feed.ts'
import type { IdentityTables } from './tables/identity.ts'
import type { MeteringTables } from './tables/metering.ts'
import type { NetworkingTables } from './tables/networking.ts'
import type { QosTables } from './tables/qos.ts'
import type { QuotaTables } from './tables/quotas.ts'
import type { RbacTables } from './tables/rbac.ts'
import type { SecurityGroupTables } from './tables/security-groups.ts'
import type { ServicesTables } from './tables/services.ts'
import type { SubnetpoolTables } from './tables/subnetpools.ts'
import type { TrunkTables } from './tables/trunks.ts'

export interface Tables
  extends FeedTables,
    IdentityTables,
    MeteringTables,
    NetworkingTables,
    QosTables,
    QuotaTables,
    RbacTables,
    SecurityGroupTables,
    ServicesTables,
    SubnetpoolTables,
    TrunkTables {}
