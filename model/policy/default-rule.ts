/** A rule that the API has by itself, before an operator's policy.yaml. */

export interface DefaultRule {
  readonly name: string
  readonly check: string
  /** False: only tokens of project scope pass where `enforce_scope` holds. */
  readonly anyScope: boolean
  /** The older rule that also passes where `enforce_new_defaults` is off; an operator may still override its name. */
  readonly replaces: { readonly name: string; readonly check: string } | undefined
}

export interface RuleOptions {
  anyScope?: boolean
  replaces?: { name?: string; check: string }
}

/** Declares one rule: `rule('update_agent', 'rule:admin_only')`. */
export function rule(name: string, check: string, options: RuleOptions = {}): DefaultRule {
  const { replaces } = options
  return {
    name,
    check,
    anyScope: options.anyScope ?? false,
    replaces: replaces && { name: replaces.name ?? name, check: replaces.check },
  }
}
