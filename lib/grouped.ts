/** Values by key, each group in the order in which its values came; keys without a value are not there. */
export function grouped<T>(pairs: Iterable<readonly [string, T]>): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, value] of pairs) {
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}

/** As grouped, each group sorted by code units; what comes in order costs only the look. */
export function groupedInOrder(pairs: Iterable<readonly [string, string]>): Map<string, string[]> {
  const groups = grouped(pairs)
  for (const group of groups.values()) if (!isInOrder(group)) group.sort()
  return groups
}

function isInOrder(texts: readonly string[]): boolean {
  for (let at = 1; at < texts.length; at++) if ((texts[at - 1] ?? '') > (texts[at] ?? '')) return false
  return true
}
