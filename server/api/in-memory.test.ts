import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageInMemory } from './in-memory.ts'
import type { ListQuery } from './list-query.ts'

const rows = [
  { id: '1', name: 'b', size: 10, up: true, words: ['x', 'y'] },
  { id: '2', name: 'a', size: 9, up: false, words: [] },
  { id: '3', name: 'a', size: null, up: true, words: ['x'] },
]

const page = (query: Partial<ListQuery>): string =>
  pageInMemory(
    {
      fields: undefined,
      filters: [],
      sorts: [],
      limit: undefined,
      marker: undefined,
      reverse: false,
      changedSince: undefined,
      ...query,
    },
    rows,
  )
    .map((row) => row.id)
    .join('')

const filter = (name: string, ...values: (string | number | null)[]) => ({
  filters: [{ name, texts: [], values }],
})

test('filters: any of the values, members of lists, numbers, booleans, nothing', () => {
  assert.equal(page({}), '123')
  assert.equal(page(filter('name', 'a')), '23')
  assert.equal(page(filter('name', 'a', 'b')), '123')
  assert.equal(page(filter('up', 1)), '13')
  assert.equal(page(filter('size', 10)), '1')
  assert.equal(page(filter('size', '')), '3')
  assert.equal(page(filter('words', 'x')), '13')
})

test('sorting: by several keys, numbers by size, null the least', () => {
  const by = (name: string, descending = false) => ({ name, descending })
  assert.equal(page({ sorts: [by('size')] }), '321')
  assert.equal(page({ sorts: [by('size', true)] }), '123')
  assert.equal(page({ sorts: [by('name'), by('size', true)] }), '231')
})

test('pages: after and before a marker', () => {
  assert.equal(page({ limit: 2 }), '12')
  assert.equal(page({ limit: 2, marker: '1' }), '23')
  assert.equal(page({ limit: 2, reverse: true }), '23')
  assert.equal(page({ limit: 1, marker: '3', reverse: true }), '2')
  assert.equal(page({ limit: 2, marker: 'nothing' }), '')
})
