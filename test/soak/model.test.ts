import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../producers/sandbox/random.ts'
import { createModel, expectedKeys, isOwnKey, type SoakRecord } from './model.ts'

const ids = { books: 1, authors: 2, reviews: 3, ratings: 4 }
const make = (seed: number, count: number): SoakRecord[] => {
  const { next } = createModel(ids, randomFrom(seed))
  return Array.from({ length: count }, next)
}

test('the load is the same for the same seed, and has every fate in every entity', () => {
  const records = make(5, 4000)
  assert.deepEqual(make(5, 4000), records)
  assert.notDeepEqual(make(6, 4000), records)
  for (const entity of ['books', 'authors', 'reviews', 'ratings'])
    assert.deepEqual(
      new Set(records.filter((record) => record.entity === entity).map(({ fate }) => fate)),
      new Set(['valid', 'late', 'repeat', 'dead']),
      entity,
    )
  assert.ok(records.some(({ fate, value }) => fate === 'valid' && value === null))
})

test('what is expected of a key: its versions by time, its accepted changes in order, and that a deletion is the last', () => {
  const of = (fate: SoakRecord['fate'], orderMs: number | null): SoakRecord => ({
    ...{ id: '0', entity: 'books', key: '900000001', value: null },
    ...{ fate, orderMs },
  })
  const records = [of('valid', 20), of('repeat', 20), of('late', 10), of('valid', 30), of('valid', null), of('dead', null)]
  assert.deepEqual(expectedKeys(records, 'books').get('900000001'), { versions: [10, 20, 30], clean: [20, 30, null], isDeleted: true })
  assert.equal(expectedKeys(records, 'authors').size, 0)
})

test('each version of a key has a time of its own, and every key is known as our own', () => {
  const records = make(9, 20_000)
  for (const entity of ['books', 'authors', 'reviews', 'ratings'] as const)
    for (const [key, { versions, clean }] of expectedKeys(records, entity)) {
      assert.ok(isOwnKey(key), key)
      assert.equal(new Set(versions).size, versions.length, `${entity} ${key}`)
      assert.equal(clean.indexOf(null) === -1 || clean.indexOf(null) === clean.length - 1, true)
    }
})
