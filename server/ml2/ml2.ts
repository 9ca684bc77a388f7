/** The drivers that this server runs with, by their configured names; an unknown name stops the start. */
import type { Logger } from '../../runtime/log.ts'
import { rangedIdentifiers } from '../network-segment-range/ranged-identifiers.ts'
import type { NetworkingSettings } from '../settings.ts'
import type { Tx } from '../store/store.ts'
import { type BindingLog, createBindingLog } from './binding-log.ts'
import type { MechanismDriver } from './mechanism-drivers/mechanism-driver.ts'
import { openvswitchDriver } from './mechanism-drivers/openvswitch.ts'
import { flatDriver } from './type-drivers/flat.ts'
import { configuredIdentifiers, type IdentifiersOf } from './type-drivers/identifiers.ts'
import { localDriver } from './type-drivers/local.ts'
import { geneveDriver, greDriver, vxlanDriver } from './type-drivers/tunnel.ts'
import type { TypeDriver } from './type-drivers/type-driver.ts'
import { vlanDriver } from './type-drivers/vlan.ts'

export interface Ml2 {
  settings: NetworkingSettings
  typeDrivers: ReadonlyMap<string, TypeDriver>
  mechanismDrivers: readonly MechanismDriver[]
  bindingLog: BindingLog
  log: Logger
}

type TypeDriverFactory = (settings: NetworkingSettings, identifiersOf: IdentifiersOf) => TypeDriver

const knownTypeDrivers: Readonly<Record<string, TypeDriverFactory>> = {
  local: () => localDriver,
  flat: flatDriver,
  vlan: vlanDriver,
  gre: greDriver,
  vxlan: vxlanDriver,
  geneve: geneveDriver,
}

const knownMechanismDrivers: Readonly<Record<string, MechanismDriver>> = {
  openvswitch: openvswitchDriver,
}

/** Binds no port, and is named by stock configurations: hosts are told of each other's tunnels, not yet of MACs behind them. */
const notServed: readonly string[] = ['l2population']

/** With this service plugin, identifiers come from ranges that administrators make. */
export const rangesPlugin = 'network_segment_range'

/** Drivers as configured, and `additional` mechanism drivers by name. Throws on a name that nobody has. */
export function createMl2(
  settings: NetworkingSettings,
  log: Logger,
  additional: Readonly<Record<string, MechanismDriver>> = {},
): Ml2 {
  const identifiersOf = settings.DEFAULT.service_plugins.includes(rangesPlugin)
    ? rangedIdentifiers
    : configuredIdentifiers
  const typeDrivers = new Map(
    settings.ml2.type_drivers.map((name) => [
      name,
      pick(knownTypeDrivers, name, '[ml2] type_drivers')(settings, identifiersOf),
    ]),
  )
  for (const type of settings.ml2.tenant_network_types) {
    if (!typeDrivers.has(type)) {
      throw new Error(`[ml2] tenant_network_types: '${type}' is not among the loaded type drivers`)
    }
  }
  const mechanisms = { ...knownMechanismDrivers, ...additional }
  const mechanismDrivers = settings.ml2.mechanism_drivers.flatMap((name) => {
    if (mechanisms[name] === undefined && notServed.includes(name)) {
      log.warn({ driver: name }, 'this mechanism driver is not served yet')
      return []
    }
    return [pick(mechanisms, name, '[ml2] mechanism_drivers')]
  })
  for (const option of ['vlan_transparent', 'vlan_qinq'] as const) {
    if (settings.DEFAULT[option]) log.warn({ option }, 'this option is not served: it stays false')
  }
  return { settings, typeDrivers, mechanismDrivers, bindingLog: createBindingLog(log), log }
}

function pick<T>(known: Readonly<Record<string, T>>, name: string, option: string): T {
  const found = known[name]
  if (found === undefined) {
    throw new Error(`${option}: unknown driver '${name}'; known are ${Object.keys(known).join(', ')}`)
  }
  return found
}

/** Brings the stored identifiers of all type drivers in line with the configuration. */
export async function initializeTypeDrivers(tx: Tx, ml2: Ml2): Promise<void> {
  for (const driver of ml2.typeDrivers.values()) await driver.initialize?.(tx)
}
