/** The reference of the API as one page of HTML, from its OpenAPI document: nothing is fetched from elsewhere. */
import type { JsonSchema } from '../../model/fields/kind.ts'
import type { Method, OpenApi, OperationItem, Parameter } from '../../model/openapi/openapi.ts'

interface Operation {
  method: Method
  path: string
  item: OperationItem
}

type Document = OpenApi & {
  info?: { title: string }
  tags?: readonly { name: string; description: string }[]
}

/** One HTML text with its style and script; names and descriptions of the document are escaped. */
export function referencePage(document: OpenApi): string {
  const { tags = [], info } = document as Document
  const operations = operationsOf(document)
  const sections = tags.map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter((one) => one.item.tags.includes(name)),
  }))
  const title = info?.title ?? 'API'
  const links = sections
    .map(({ name }) => html`<a href="#${name}">${name.replaceAll('_', ' ')}</a>`)
    .join('\n')
  const content = sections.map((one) => sectionOf(document, one)).join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<nav>
<input id="find" type="search" placeholder="Find an operation or attribute" aria-label="Find">
${links}
</nav>
<main>
<h1>${escaped(title)}</h1>
<p>Requests carry <code>X-Auth-Token</code>. The same as data: <a href="openapi.json">OpenAPI 3.1</a>.</p>
${content}
</main>
<script>${script}</script>
</body>
</html>
`
}

function operationsOf({ paths }: OpenApi): Operation[] {
  const methods: readonly Method[] = ['get', 'post', 'put', 'delete']
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const found = item[method]
      return found ? [{ method, path, item: found }] : []
    }),
  )
}

interface Section {
  name: string
  description: string
  operations: readonly Operation[]
}

function sectionOf(document: OpenApi, { name, description, operations }: Section): string {
  const schemas = new Map(
    operations
      .flatMap(({ item }) => referredTo(item))
      .map((schema) => [schema, document.components.schemas[schema]]),
  )
  const tables = [...schemas].map(([schema, body]) => (body ? attributesOf(schema, body) : '')).join('\n')
  const list = operations.map((one) => operationOf(document, one)).join('\n')
  return `<section id="${escaped(name)}">
<h2>${escaped(name.replaceAll('_', ' '))}</h2>
<p>${withCode(description)}</p>
${list}
${tables}
</section>`
}

function operationOf(document: OpenApi, { method, path, item }: Operation): string {
  const parameters = (item.parameters ?? []).map((one) => resolved(document, one))
  const query = parameters.filter((one) => one.in === 'query').map((one) => html`<code>${one.name}</code>`)
  const answers = Object.keys(item.responses).map(escaped).join(', ')
  return `<details class="operation" id="${escaped(item.operationId)}">
<summary><b class="${method}">${method.toUpperCase()}</b> <code>${escaped(path)}</code> <span>${escaped(item.summary)}</span></summary>
${query.length > 0 ? `<p>Query: ${query.join(' ')}</p>` : ''}
<p>Answers: ${answers}</p>
</details>`
}

function attributesOf(name: string, { properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties as Record<string, JsonSchema>).map(([attribute, schema]) => {
    const must = (required as readonly string[]).includes(attribute) ? ' <em>required</em>' : ''
    const origin =
      schema['x-extension'] === undefined ? '' : html`<code>${String(schema['x-extension'])}</code>`
    const start = schema.default === undefined ? '' : html`<code>${JSON.stringify(schema.default)}</code>`
    return `<tr><td><code>${escaped(attribute)}</code>${must}</td><td>${escaped(typeOf(schema))}</td><td>${start}</td><td>${origin}</td></tr>`
  })
  return `<details class="schema" id="schema-${escaped(name)}">
<summary>${escaped(name)}</summary>
<table><thead><tr><th>attribute</th><th>type</th><th>default</th><th>extension</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>
</details>`
}

/** A schema in a few words. */
function typeOf(schema: JsonSchema): string {
  const { type, format, items, anyOf, oneOf, enum: allowed, maxLength, const: only } = schema
  const alternatives = anyOf ?? oneOf
  if (Array.isArray(alternatives)) {
    const words = alternatives.map((one: JsonSchema) => typeOf({ type, ...one })).filter((one) => one !== '')
    return [...new Set(words)].join(' or ')
  }
  if (Array.isArray(allowed)) return allowed.map((one) => JSON.stringify(one)).join(', ')
  if (only !== undefined) return JSON.stringify(only)
  if (type === 'array') return `list of ${typeOf((items as JsonSchema | undefined) ?? {}) || 'anything'}`
  const words = Array.isArray(type) ? type.join(' or ') : String(type ?? format ?? '')
  const limit = maxLength === undefined ? '' : `, at most ${String(maxLength)} characters`
  return `${format === undefined ? words : String(format)}${limit}`
}

/** Names of the schemas that an operation's bodies refer to. */
function referredTo(item: OperationItem): string[] {
  const text = JSON.stringify([item.requestBody, item.responses])
  return [...text.matchAll(/#\/components\/schemas\/([A-Za-z0-9]+)/g)].map((match) => match[1] ?? '')
}

function resolved(document: OpenApi, one: Parameter | { readonly $ref: string }): Parameter {
  if (!('$ref' in one)) return one
  const found = document.components.parameters[one.$ref.split('/').at(-1) ?? '']
  if (!found) throw new TypeError(`the document has no ${one.$ref}`)
  return found
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** A template whose values are escaped. */
function html(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.map((part, i) => part + (values[i] === undefined ? '' : escaped(values[i]))).join('')
}

const withCode = (text: string): string => escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>')

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 16rem 1fr; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); }
nav a { display: block; padding: .1rem 0; text-decoration: none; }
nav input { width: 100%; padding: .4rem; margin-bottom: .8rem; font: inherit; }
main { padding: 1rem 2rem 4rem; max-width: 70rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .3rem .7rem; }
summary { cursor: pointer; }
summary span { opacity: .7; }
summary b { display: inline-block; width: 4.2rem; font-size: .8rem; }
b.get { color: #2a7; } b.post { color: #27c; } b.put { color: #b70; } b.delete { color: #c33; }
code { background: var(--soft); border-radius: 4px; padding: 0 .25rem; font-size: .9em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
em { color: #c33; font-size: .85em; }
.hidden { display: none; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; } }
`

const script = `
const find = document.getElementById('find')
const blocks = [...document.querySelectorAll('details')].map((one) => [one, one.textContent.toLowerCase()])
find.addEventListener('input', () => {
  const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean)
  for (const [block, text] of blocks) {
    const found = words.every((word) => text.includes(word))
    block.classList.toggle('hidden', !found)
    if (block.className.includes('schema')) block.open = words.length > 0 && found
  }
  for (const section of document.querySelectorAll('section')) {
    section.classList.toggle('hidden', !section.querySelector('details:not(.hidden)'))
  }
})
`
