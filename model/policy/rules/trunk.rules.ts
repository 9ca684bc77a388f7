/** Default policy of the Networking API: trunks and their sub-ports. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const trunkRules: readonly DefaultRule[] = [
  rule('create_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_trunk:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'create_trunks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('get_trunk', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('get_trunk:tags', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: {
      name: 'get_trunks_tags',
      check: '(rule:admin_only) or (role:reader and project_id:%(project_id)s)',
    },
  }),
  rule('update_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_trunk:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'update_trunks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('delete_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_trunk:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'delete_trunks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('get_subports', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('add_subports', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('remove_subports', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
]
