import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeThrough } from '../../compactor/complete-through.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

/** Silver tables that are complete up to these times; null: the table does not say. */
const silver = (times: Record<EntityName, number | null>) =>
  Object.fromEntries(
    entityNames.map((entity) => {
      const throughMs = times[entity]
      const txns = new Map(
        throughMs === null ? [] : Object.entries({ [`silver/c/${entity}/0/through`]: throughMs, [`silver/c/${entity}/partitions`]: 1 }),
      )
      return [entity, { txns }]
    }),
  ) as Record<EntityName, { txns: Map<string, number> }>

test('Gold is complete up to the least of its entities', () => {
  assert.deepEqual(completeThrough(silver({ books: 4000, authors: 3000, reviews: 9000, ratings: 5000 }), 10_000), {
    completeThrough: '1970-01-01T00:00:03.000Z',
    completeThroughByEntity: {
      books: '1970-01-01T00:00:04.000Z',
      authors: '1970-01-01T00:00:03.000Z',
      reviews: '1970-01-01T00:00:09.000Z',
      ratings: '1970-01-01T00:00:05.000Z',
    },
  })
})
test('where one entity is not known, Gold’s is not, and the others are', () => {
  const { completeThrough: all, completeThroughByEntity } = completeThrough(
    silver({ books: 4000, authors: 3000, reviews: null, ratings: 5000 }),
    10_000,
  )
  assert.equal(all, null)
  assert.equal(completeThroughByEntity['reviews'], null)
  assert.equal(completeThroughByEntity['authors'], '1970-01-01T00:00:03.000Z')
})
test('no Gold is complete beyond its publication', () => {
  const times = completeThrough(silver({ books: 4000, authors: 20_000, reviews: 20_000, ratings: 20_000 }), 10_000)
  assert.equal(times.completeThroughByEntity['ratings'], '1970-01-01T00:00:10.000Z')
  assert.equal(times.completeThrough, '1970-01-01T00:00:04.000Z')
})
