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

/** As grouped, each group sorted by code units: cheap for small groups, and for what comes in order. */
export function groupedInOrder(pairs: Iterable<readonly [string, string]>): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const [key, value] of pairs) {
    const group = groups.get(key)
    if (!group) {
      groups.set(key, [value])
      continue
    }
    let at = group.push(value) - 1
    for (let before = group[at - 1]; before !== undefined && before > value; before = group[at - 1]) {
      group[at] = before
      group[--at] = value
    }
  }
  return groups
}
