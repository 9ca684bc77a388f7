/** Time as columns hold it: ISO 8601, UTC, to the second, as Neutron shows it. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}
