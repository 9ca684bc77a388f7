/**
 * oslo.policy's rule language as a tree: text -> Rule. Pure. `and` binds tighter than `or`, `not` tighter than both;
 * an empty rule and `@` allow everybody, `!` nobody.
 */

export type Rule =
  | { op: 'true' }
  | { op: 'false' }
  | { op: 'and' | 'or'; rules: readonly Rule[] }
  | { op: 'not'; rule: Rule }
  /** `rule:x`: another rule. */
  | { op: 'rule'; name: string }
  /** `role:x`: the token has the role. */
  | { op: 'role'; role: string }
  /** `field:resource:attribute=value`, or `=~regex` matched from the start. */
  | { op: 'field'; resource: string; attribute: string; value: string; regex: boolean }
  /** `credential:%(attribute)s` or `credential:text`. */
  | { op: 'credential'; credential: string; match: Match }
  /** `'text':%(attribute)s`: the target has that value. */
  | { op: 'literal'; value: string; match: Match }

/** What a credential or a literal is compared with: an attribute of the target, or a text. */
export type Match = { attribute: string } | { text: string }

/** A rule that cannot be read; `column` counts from 1. */
export class RuleSyntaxError extends Error {
  readonly column: number

  constructor(message: string, column: number) {
    super(`${message} (column ${column})`)
    this.name = 'RuleSyntaxError'
    this.column = column
  }
}

interface Token {
  text: string
  column: number
}

/** Reads a rule. Throws RuleSyntaxError. */
export function parseRule(text: string): Rule {
  const tokens = tokensOf(text)
  if (tokens.length === 0) return { op: 'true' }
  const parser = new Parser(tokens, text.length + 1)
  const rule = parser.or()
  parser.end()
  return rule
}

/**
 * Words are parted by blanks; parentheses at the ends of a word are tokens of their own, those inside (`%(a)s`)
 * belong to it; a quoted text may hold blanks.
 */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    if (/\s/.test(char)) {
      at++
    } else if (char === '(' || char === ')') {
      tokens.push({ text: char, column: ++at })
    } else {
      const start = at
      at = endOfWord(text, at)
      tokens.push({ text: text.slice(start, at), column: start + 1 })
    }
  }
  return tokens
}

function endOfWord(text: string, start: number): number {
  let open = 0
  let at = start
  for (; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === "'" || char === '"') {
      const close = text.indexOf(char, at + 1)
      if (close < 0) throw new RuleSyntaxError('the quote is not closed', at + 1)
      at = close
    } else if (char === '(') open++
    else if (char === ')' && --open < 0) break
    else if (/\s/.test(char)) break
  }
  return at
}

class Parser {
  #at = 0
  readonly #tokens: readonly Token[]
  readonly #endColumn: number

  constructor(tokens: readonly Token[], endColumn: number) {
    this.#tokens = tokens
    this.#endColumn = endColumn
  }

  or(): Rule {
    return this.#chain('or', () => this.#chain('and', () => this.#not()))
  }

  end(): void {
    const rest = this.#tokens[this.#at]
    if (rest) throw new RuleSyntaxError(`unexpected '${rest.text}'`, rest.column)
  }

  #chain(word: 'and' | 'or', operand: () => Rule): Rule {
    const first = operand()
    const rules = [first]
    while (this.#take(word)) rules.push(operand())
    return rules.length === 1 ? first : { op: word, rules }
  }

  #not(): Rule {
    if (this.#take('not')) return { op: 'not', rule: this.#not() }
    if (this.#take('(')) {
      const rule = this.or()
      if (!this.#take(')')) this.#fail("expected ')'")
      return rule
    }
    const token = this.#tokens[this.#at]
    if (!token || token.text === ')' || ['and', 'or'].includes(token.text.toLowerCase())) {
      return this.#fail('expected a check')
    }
    this.#at++
    return checkOf(token)
  }

  #take(word: string): boolean {
    if (this.#tokens[this.#at]?.text.toLowerCase() !== word) return false
    this.#at++
    return true
  }

  #fail(what: string): never {
    const token = this.#tokens[this.#at]
    throw new RuleSyntaxError(
      token ? `${what}, found '${token.text}'` : what,
      token?.column ?? this.#endColumn,
    )
  }
}

function checkOf({ text, column }: Token): Rule {
  if (text === '@') return { op: 'true' }
  if (text === '!') return { op: 'false' }
  const quoted = /^(['"])(.*?)\1:(.*)$/.exec(text)
  if (quoted) return { op: 'literal', value: quoted[2] ?? '', match: matchOf(quoted[3] ?? '', column) }
  const colon = text.indexOf(':')
  if (colon < 1) throw new RuleSyntaxError(`'${text}' is not kind:match`, column)
  const kind = text.slice(0, colon)
  const match = text.slice(colon + 1)
  if (match === '') throw new RuleSyntaxError(`'${text}' lacks what to match`, column)
  if (kind === 'rule') return { op: 'rule', name: match }
  if (kind === 'role') return { op: 'role', role: match.toLowerCase() }
  if (kind === 'field') return fieldOf(text, match, column)
  if (kind === 'http' || kind === 'https') {
    throw new RuleSyntaxError('remote checks (http, https) are not supported', column)
  }
  // oslo.policy reads these kinds as Python literals.
  if (/^(?:True|False|None|\d+)$/.test(kind))
    return { op: 'literal', value: kind, match: matchOf(match, column) }
  return { op: 'credential', credential: kind, match: matchOf(match, column) }
}

function fieldOf(text: string, match: string, column: number): Rule {
  const parts = /^([^:=]+):([^=]+)=(~?)(.*)$/s.exec(match)
  if (!parts) throw new RuleSyntaxError(`'${text}' is not field:resource:attribute=value`, column)
  const [, resource = '', attribute = '', tilde, value = ''] = parts
  if (tilde) {
    try {
      new RegExp(value)
    } catch {
      throw new RuleSyntaxError(`'${value}' is not a regular expression`, column)
    }
  }
  return { op: 'field', resource, attribute, value, regex: tilde === '~' }
}

function matchOf(text: string, column: number): Match {
  const attribute = /^%\((.+)\)s$/.exec(text)?.[1]
  if (attribute !== undefined) return { attribute }
  if (text.includes('%(')) throw new RuleSyntaxError(`'${text}' is not %(attribute)s`, column)
  return { text: text.replace(/^(['"])(.*)\1$/s, '$2') }
}
