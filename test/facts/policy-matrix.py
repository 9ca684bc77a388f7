#!/usr/bin/python3
"""What oslo.policy (Debian: python3-oslo.policy) answers to every rule of policies.json, for each role and each kind
of object. Prints policy-matrix.json:  python3 test/facts/policy-matrix.py > test/facts/policy-matrix.json

The caller is in project `here`. The objects are: own; another project's; another project's, shared with the caller;
another project's on an external network; another project's below something (a network, a policy, a security group)
of the caller's own; the caller's own below something of another project's that is shared. Roles come with those that
they imply.
"""
import json
import pathlib
import re

from oslo_config import cfg
from oslo_policy import _checks
from oslo_policy import policy

FACTS = json.loads((pathlib.Path(__file__).parent / 'policies.json').read_text())

ROLES = {
    'none': [],
    'reader': ['reader'],
    'member': ['member', 'reader'],
    'manager': ['manager', 'member', 'reader'],
    'admin': ['admin', 'manager', 'member', 'reader'],
    'service': ['service'],
}


def target(owner, above, shared=False, external=False):
    parents = ['network', 'ext_parent', 'security_group']
    owners = {'project_id': owner, 'tenant_id': owner}
    owners.update({f'{parent}:{key}': above for parent in parents for key in ('project_id', 'tenant_id')})
    return {**owners, 'shared': shared, 'router:external': external}


TARGETS = {
    'own': target('here', 'here'),
    'other': target('there', 'there'),
    'shared': target('there', 'there', shared=True),
    'external': target('there', 'there', external=True),
    'below': target('there', 'here'),
    'guest': target('here', 'there', shared=True),
}

# Some rules look at a value that is asked for: a plain one, and in rows of their own (RULE=VALUE) the one they mean.
PLAIN = {'device_owner': '', 'target_project': 'here', 'target_tenant': 'here'}
MEANT = {f'{action}_{attribute}': value for action in ('create', 'update') for attribute, value in {
    'port:device_owner': {'device_owner': 'network:special'},
    'rbac_policy:target_project': {'target_project': '*', 'target_tenant': '*'},
    'rbac_policy:target_tenant': {'target_project': '*', 'target_tenant': '*'},
}.items()}


@_checks.register('field')
class FieldCheck(_checks.Check):
    """Neutron's own check: field:RESOURCE:ATTRIBUTE=VALUE, or =~REGEX."""

    def __call__(self, target, creds, enforcer, current_rule=None):
        attribute, value = self.match.split(':', 1)[1].rsplit('=', 1)
        found = target.get(attribute)
        if found is None:
            return False
        if value.startswith('~'):
            return bool(re.match(value[1:], found))
        return found == {'True': True, 'False': False}.get(value, value)


def enforcer_of(new_defaults):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    enforcer = policy.Enforcer(conf, policy_file='/dev/null')
    conf.set_override('policy_dirs', [], 'oslo_policy')
    conf.set_override('enforce_new_defaults', new_defaults, 'oslo_policy')
    conf.set_override('enforce_scope', new_defaults, 'oslo_policy')
    for fact in FACTS:
        older = fact.get('deprecated')
        enforcer.register_default(policy.RuleDefault(
            fact['name'], fact['check_str'], scope_types=fact.get('scope_types'),
            deprecated_rule=older and policy.DeprecatedRule(
                older['name'], older['check_str'], deprecated_reason='-', deprecated_since='-')))
    enforcer.suppress_deprecation_warnings = True
    enforcer.load_rules()
    return enforcer


def allowed(enforcer, name, where, values):
    return ' '.join(role for role, roles in ROLES.items() if enforcer.enforce(
        name, {**TARGETS[where], **values},
        {'roles': roles, 'project_id': 'here', 'tenant_id': 'here', 'user_id': 'somebody'}))


def table(new_defaults):
    enforcer = enforcer_of(new_defaults)
    rows = {}
    for name in (fact['name'] for fact in FACTS):
        meant = MEANT.get(name)
        cases = [(name, PLAIN)] + ([(f'{name}={list(meant.values())[0]}', {**PLAIN, **meant})] if meant else [])
        for label, values in cases:
            rows[label] = {where: allowed(enforcer, name, where, values) for where in TARGETS}
    return rows


def printed(name, rows):
    lines = ',\n'.join(f'  {json.dumps(rule)}: {json.dumps(row)}' for rule, row in rows.items())
    return f'{json.dumps(name)}: {{\n{lines}\n}}'


print('{\n"roles": ' + json.dumps(ROLES) + ',\n"targets": ' + json.dumps(TARGETS) + ',\n'
      + '"plain": ' + json.dumps(PLAIN) + ',\n"meant": ' + json.dumps(MEANT) + ',\n'
      + printed('rules', table(True)) + ',\n' + printed('with_older_rules', table(False)) + '\n}')
