/**
 * Attributes of ports that are kept for clients and looked at by no query: one JSON column holds those that are not
 * as they are by default.
 */

const defaults: Readonly<Record<string, unknown>> = {
  data_plane_status: null,
  device_profile: null,
  dns_domain: '',
  hardware_offload_type: null,
  hints: null,
  numa_affinity_policy: null,
  propagate_uplink_status: true,
  trusted: null,
}

/** The column after these values were sent; names that are no extras are passed over. */
export function storedExtras(current: string, sent: Readonly<Record<string, unknown>>): string {
  const all = { ...shownExtras(current), ...sent }
  const kept = Object.keys(defaults).filter((name) => all[name] !== undefined && all[name] !== defaults[name])
  return JSON.stringify(Object.fromEntries(kept.map((name) => [name, all[name]])))
}

/** All extras, as the API shows them. */
export function shownExtras(column: unknown): Readonly<Record<string, unknown>> {
  return column === '{}'
    ? defaults
    : { ...defaults, ...(JSON.parse(String(column ?? '{}')) as Record<string, unknown>) }
}
