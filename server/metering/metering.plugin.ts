/** The service plugin `metering`: labels and rules, stored; nothing counts yet. */
import { parseCidr } from '../../lib/addresses.ts'
import { invalidInput, meteringLabelNotFound, meteringLabelRuleOverlaps } from '../../lib/errors.ts'
import type { Plugin } from '../plugin.ts'
import type { Input } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { storedFeature } from '../stored/stored.ts'

export const meteringPlugin: Plugin = {
  name: 'metering',
  extensions: ['metering', 'metering_source_and_destination_fields'],
  serve: ({ resource }) => ({
    features: [
      storedFeature(resource('metering_label'), { table: 'metering_labels' }),
      storedFeature(resource('metering_label_rule'), {
        table: 'metering_label_rules',
        parent: 'metering_label_id',
        refers: { metering_label_id: { table: 'metering_labels', missing: meteringLabelNotFound } },
        hooks: {
          async creating(tx, _context, input) {
            await checkRule(tx, input)
            return undefined
          },
          async updating(tx, _context, current, changes) {
            await checkRule(tx, { ...current, ...changes })
            return undefined
          },
        },
      }),
    ],
  }),
}

/**
 * A rule names the remote side, or source and destination. Throws InvalidInput, and MeteringLabelRuleOverlaps where
 * the label counts a part of the remote prefix already.
 */
async function checkRule(tx: ReadTx, rule: Input): Promise<void> {
  const { remote_ip_prefix: remote, source_ip_prefix: source, destination_ip_prefix: destination } = rule
  const named = Boolean(source) || Boolean(destination)
  if (!remote && !named) {
    throw invalidInput('A rule needs source_ip_prefix, destination_ip_prefix or remote_ip_prefix')
  }
  if (remote && named) {
    throw invalidInput('remote_ip_prefix cannot be used with source_ip_prefix or destination_ip_prefix')
  }
  if (remote) await checkOverlap(tx, rule, String(remote))
}

async function checkOverlap(tx: ReadTx, rule: Input, remote: string): Promise<void> {
  const others = await tx.db
    .selectFrom('metering_label_rules')
    .select(['id', 'remote_ip_prefix'])
    .where('metering_label_id', '=', String(rule.metering_label_id))
    .where('direction', '=', String(rule.direction))
    .where('excluded', '=', Number(rule.excluded))
    .where('remote_ip_prefix', 'is not', null)
    .execute()
  const wanted = parseCidr(remote)
  const overlaps = others.some(({ id, remote_ip_prefix: other }) => {
    const cidr = parseCidr(other ?? '')
    return (
      id !== rule.id &&
      cidr?.version === wanted?.version &&
      cidr &&
      wanted &&
      cidr.first <= wanted.last &&
      wanted.first <= cidr.last
    )
  })
  if (overlaps) throw meteringLabelRuleOverlaps(remote)
}
