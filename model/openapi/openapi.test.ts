/** The OpenAPI document, by a validator of others, and against the declarations. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { extensionCatalogue, extensionsOf } from '../extensions/catalogue.ts'
import { compose } from '../resource.ts'
import { coreResources } from '../resources/core.ts'
import { openApiOf } from './openapi.ts'

const model = compose(coreResources, extensionsOf(extensionCatalogue.keys()))
const document = openApiOf(model)
const asData = () => JSON.parse(JSON.stringify(document)) as Record<string, unknown>

test('the document is OpenAPI 3.1', async () => {
  const validator = new Validator()
  const result = await validator.validate(asData())
  assert.deepEqual(result.errors, undefined)
  assert.equal(result.valid, true)
  assert.equal(validator.version, '3.1')
  const broken = await new Validator().validate({ ...asData(), paths: { '/x': { get: { responses: 5 } } } })
  assert.equal(broken.valid, false)
})

test('every reference leads somewhere', () => {
  const text = JSON.stringify(document)
  const broken = [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)].filter(([, kind, name]) => {
    const known = document.components[kind as keyof typeof document.components]
    return !known?.[name ?? '']
  })
  assert.deepEqual(
    broken.map(([all]) => all),
    [],
  )
})

test('operations have names of their own, and path parameters are declared', () => {
  const seen = new Set<string>()
  for (const [path, item] of Object.entries(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    assert.deepEqual(item.parameters?.map((one) => one.name) ?? [], names, path)
    for (const method of ['get', 'post', 'put', 'delete'] as const) {
      const id = item[method]?.operationId
      if (id === undefined) continue
      assert.ok(!seen.has(id), `${id} is there twice`)
      seen.add(id)
    }
  }
})

test('each resource has the operations and attributes of its declaration', () => {
  for (const one of model.resources.values()) {
    if (one.name === 'quota') continue
    const list = document.paths[`/v2.0/${one.path}`]
    assert.equal(list?.get !== undefined, one.operations.includes('list'), one.name)
    assert.equal(list?.post !== undefined, one.operations.includes('create'), one.name)
    const shown = Object.values(document.components.schemas).some(({ properties }) => {
      const names = Object.keys(properties ?? {}).join()
      return (
        names ===
        Object.keys(one.attributes)
          .filter((name) => one.attributes[name]?.visible)
          .join()
      )
    })
    assert.ok(shown, one.name)
  }
})
