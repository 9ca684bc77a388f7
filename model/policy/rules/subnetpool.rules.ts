/** Default policy of the Networking API: address scopes and subnet pools. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const subnetpoolRules: readonly DefaultRule[] = [
  rule('shared_address_scopes', 'field:address_scopes:shared=True', { anyScope: true }),
  rule('create_address_scope', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_address_scope:shared', 'rule:admin_only'),
  rule(
    'get_address_scope',
    'rule:admin_only or role:reader and project_id:%(project_id)s or rule:shared_address_scopes',
    { replaces: { check: 'rule:admin_or_owner or rule:shared_address_scopes' } },
  ),
  rule('update_address_scope', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_address_scope:shared', 'rule:admin_only'),
  rule('delete_address_scope', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('shared_subnetpools', 'field:subnetpools:shared=True', { anyScope: true }),
  rule('create_subnetpool', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_subnetpool:shared', 'rule:admin_only'),
  rule('create_subnetpool:is_default', 'rule:admin_only'),
  rule('create_subnetpool:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'create_subnetpools_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule(
    'get_subnetpool',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools',
    { replaces: { check: 'rule:admin_or_owner or rule:shared_subnetpools' } },
  ),
  rule(
    'get_subnetpool:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools',
    {
      replaces: {
        name: 'get_subnetpools_tags',
        check: '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools',
      },
    },
  ),
  rule('update_subnetpool', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_subnetpool:is_default', 'rule:admin_only'),
  rule('update_subnetpool:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'update_subnetpools_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('delete_subnetpool', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_subnetpool:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'delete_subnetpools_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('onboard_network_subnets', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('add_prefixes', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('remove_prefixes', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
]
