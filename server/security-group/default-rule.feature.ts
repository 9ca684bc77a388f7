/** The rules that new security groups start with: an administrator's templates; groups that exist stay as they are. */
import { defaultSecurityGroupRuleExists } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { Feature, Input } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { storedFeature } from '../stored/stored.ts'
import { canonicalMatch, checkMatch, type Match, matchKey } from './rule.checks.ts'

interface TemplateInput extends Match {
  used_in_default_sg: boolean
  used_in_non_default_sg: boolean
}

/** A template is a rule without a group, checked as rules are. Throws DefaultSecurityGroupRuleExists. */
export function defaultRuleFeature(resource: Resource): Feature {
  return storedFeature(resource, {
    table: 'default_security_group_rules',
    hooks: {
      async creating(tx, _context, input: Input) {
        const template = canonicalMatch(input as unknown as TemplateInput)
        checkMatch(template)
        await requireNew(tx, template)
        return { protocol: template.protocol }
      },
    },
  })
}

/** Throws DefaultSecurityGroupRuleExists: no kind of group is to start with the same rule twice. */
async function requireNew(tx: ReadTx, template: TemplateInput): Promise<void> {
  const others = await tx.db.selectFrom('default_security_group_rules').selectAll().execute()
  const twin = others.find(
    (one) =>
      matchKey(one) === matchKey(template) &&
      ((one.used_in_default_sg === 1 && template.used_in_default_sg) ||
        (one.used_in_non_default_sg === 1 && template.used_in_non_default_sg)),
  )
  if (twin) throw defaultSecurityGroupRuleExists(twin.id)
}
