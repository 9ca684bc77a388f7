/** Default policy of the Networking API: subnets. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const subnetRules: readonly DefaultRule[] = [
  rule('external_network', 'field:subnets:router:external=True', { anyScope: true }),
  rule('create_subnet', '(rule:admin_only) or (role:member and rule:network_owner)', {
    replaces: { check: 'rule:admin_or_network_owner' },
  }),
  rule('create_subnet:service_types', 'rule:admin_only'),
  rule(
    'create_subnet:tags',
    'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    {
      replaces: {
        name: 'create_subnets_tags',
        check:
          'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
      },
    },
  ),
  rule(
    'get_subnet',
    'role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:shared or rule:external_network or rule:admin_or_owner' } },
  ),
  rule(
    'get_subnet:tags',
    'role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner)',
    {
      replaces: {
        name: 'get_subnets_tags',
        check:
          'role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner)',
      },
    },
  ),
  rule(
    'update_subnet',
    'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule('update_subnet:service_types', 'rule:admin_only'),
  rule(
    'update_subnet:tags',
    'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    {
      replaces: {
        name: 'update_subnets_tags',
        check:
          'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
      },
    },
  ),
  rule(
    'delete_subnet',
    'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'delete_subnet:tags',
    'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    {
      replaces: {
        name: 'delete_subnets_tags',
        check:
          'role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
      },
    },
  ),
]
