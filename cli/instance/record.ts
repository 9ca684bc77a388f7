/** The instances of a state: one directory each, with what is needed to find and unplug them again. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { type Layout, readJson, writeJson } from '../state/layout.ts'

export interface InstanceRecord {
  name: string
  /** The instance's uuid: device_id of its port. */
  id: string
  portId: string
  /** True: `create` made the port, so `delete` removes it. */
  madePort: boolean
  mac: string
  mtu: number
  /** The end on the integration bridge. */
  device: string
  namespace: string
}

/** Names become those of namespaces and directories. */
export function requireInstanceName(name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name)) return name
  throw new UserError(
    `${JSON.stringify(name)} is no name for an instance`,
    'Letters, digits and dashes; at most 32.',
  )
}

/**
 * Where the instance keeps its record, lease and log, made or not. Throws UserError for what is no name: no path leads
 * out.
 */
export function instanceDirectory(layout: Layout, name: string): string {
  return join(layout.instances, requireInstanceName(name))
}

const file = (layout: Layout, name: string) => join(instanceDirectory(layout, name), 'instance.json')

/** Writes a new instance down; throws UserError if there is one of that name. */
export function addRecord(layout: Layout, record: InstanceRecord): void {
  if (existsSync(file(layout, record.name))) {
    throw new UserError(`there is an instance ${record.name} already`, 'See: nucleon instance list')
  }
  mkdirSync(instanceDirectory(layout, record.name), { recursive: true })
  writeJson(file(layout, record.name), record)
}

/** Throws UserError where there is no instance of that name, or its record is damaged. */
export function readRecord(layout: Layout, name: string): InstanceRecord {
  if (!existsSync(file(layout, name))) {
    throw new UserError(`there is no instance ${name}`, 'See: nucleon instance list')
  }
  return readJson(file(layout, name)) as InstanceRecord
}

/** Removes the whole directory, its lease and log too; what is gone already is no fault. */
export function removeRecord(layout: Layout, name: string): void {
  rmSync(instanceDirectory(layout, name), { recursive: true, force: true })
}

/** Sorted by name, whether they still run or not. Throws UserError where a record is damaged. */
export function listRecords(layout: Layout): InstanceRecord[] {
  if (!existsSync(layout.instances)) return []
  return readdirSync(layout.instances)
    .filter((name) => existsSync(join(layout.instances, name, 'instance.json')))
    .sort()
    .map((name) => readRecord(layout, name))
}
