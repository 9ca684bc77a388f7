/** Default policy of the Networking API: security groups, their rules, and the rules that new groups start with. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const securityGroupRules: readonly DefaultRule[] = [
  rule('sg_owner', 'project_id:%(security_group:project_id)s', { anyScope: true }),
  rule('create_default_security_group_rule', 'rule:admin_only'),
  rule('get_default_security_group_rule', 'role:reader', { replaces: { check: 'rule:regular_user' } }),
  rule('delete_default_security_group_rule', 'rule:admin_only'),
  rule('admin_or_sg_owner', 'rule:context_is_admin or project_id:%(security_group:project_id)s', {
    anyScope: true,
  }),
  rule('admin_owner_or_sg_owner', 'rule:owner or rule:admin_or_sg_owner', { anyScope: true }),
  rule('shared_security_group', 'field:security_groups:shared=True', { anyScope: true }),
  rule('rule_default_sg', 'field:security_group_rules:belongs_to_default_sg=True', { anyScope: true }),
  rule('create_security_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('create_security_group:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'create_security_groups_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule(
    'get_security_group',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule(
    'get_security_group:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group',
    {
      replaces: {
        name: 'get_security_groups_tags',
        check:
          '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group',
      },
    },
  ),
  rule('update_security_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_security_group:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'update_security_groups_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('delete_security_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_security_group:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'delete_security_groups_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('create_security_group_rule', '(rule:admin_only) or (role:member and rule:sg_owner)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('get_security_group_rule', '(rule:admin_only) or (role:reader and rule:sg_owner)', {
    replaces: { check: 'rule:admin_owner_or_sg_owner' },
  }),
  rule('delete_security_group_rule', '(rule:admin_only) or (role:member and rule:sg_owner)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule(
    'create_security_groups_default_statefulness',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
  ),
  rule(
    'get_security_groups_default_statefulness',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s)',
  ),
  rule(
    'update_security_groups_default_statefulness',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
  ),
  rule(
    'delete_security_groups_default_statefulness',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
  ),
]
