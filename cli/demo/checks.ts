/** All checks of the demo, in the order that they are printed. */
import type { Check } from './check.ts'
import { dhcpChecks } from './dhcp.checks.ts'
import { lifeChecks } from './life.checks.ts'
import { trafficChecks } from './traffic.checks.ts'
import { wireChecks } from './wire.checks.ts'

export const checks: readonly Check[] = [...dhcpChecks, ...trafficChecks, ...wireChecks, ...lifeChecks]
