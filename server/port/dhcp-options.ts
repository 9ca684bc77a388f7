/** extra_dhcp_opts of ports: pure. */
import type { DhcpOption } from '../../model/documents/documents.ts'

export interface DhcpOptionInput {
  opt_name: string
  opt_value: string | null
  ip_version?: 4 | 6
}

const keyOf = (option: DhcpOptionInput): string => `${option.ip_version ?? 4} ${option.opt_name}`

/**
 * Merges options into those that a port has: one of the same name and IP version is replaced, a value of null
 * removes it, the others stay.
 */
export function mergeDhcpOptions(
  current: readonly DhcpOption[],
  changes: readonly DhcpOptionInput[] | null | undefined,
): DhcpOption[] {
  const merged = new Map(current.map((option) => [keyOf(option), option]))
  for (const change of changes ?? []) {
    const { opt_name, opt_value, ip_version = 4 } = change
    if (opt_value === null) merged.delete(keyOf(change))
    else merged.set(keyOf(change), { opt_name, opt_value, ip_version })
  }
  return [...merged.values()]
}
