import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentHash } from '../../../consumers/silver/content-hash.ts'
import { createDedupe } from '../../../consumers/silver/dedupe.ts'
import { createDedupeState } from '../../../consumers/silver/dedupe-state.ts'

const hashOf = (text: string) => contentHash({ text })

test('the same version twice is a repeat, within a flush and after it', () => {
  const dedupe = createDedupe()
  const first = dedupe.begin()
  assert.equal(first.offer('p', 'k', { order: 1, hash: hashOf('a') }, true), 'new')
  assert.equal(first.offer('p', 'k', { order: 1, hash: hashOf('a') }, true), 'repeat')
  first.accept()
  assert.equal(dedupe.begin().offer('p', 'k', { order: 1, hash: hashOf('a') }, true), 'repeat')
})

test('a flush that was not accepted leaves no trace', () => {
  const dedupe = createDedupe()
  dedupe.begin().offer('p', 'k', { order: 1, hash: hashOf('a') }, true)
  assert.equal(dedupe.begin().offer('p', 'k', { order: 1, hash: hashOf('a') }, true), 'new')
})

test('without an event time, unchanged content is a repeat and a return to old content is a change', () => {
  const dedupe = createDedupe()
  const flush = dedupe.begin()
  const verdicts = ['a', 'a', 'b', 'a'].map((text, order) => flush.offer('p', 'k', { order, hash: hashOf(text) }, false))
  assert.deepEqual(verdicts, ['new', 'repeat', 'new', 'new'])
})

test('a version that arrives late is kept as late, and its repeat is one', () => {
  const dedupe = createDedupe()
  const flush = dedupe.begin()
  assert.equal(flush.offer('p', 'k', { order: 5, hash: hashOf('new') }, true), 'new')
  assert.equal(flush.offer('p', 'k', { order: 3, hash: hashOf('old') }, true), 'late')
  flush.accept()
  assert.equal(dedupe.begin().offer('p', 'k', { order: 3, hash: hashOf('old') }, true), 'repeat')
  assert.equal(dedupe.begin().offer('p', 'k', { order: 3, hash: hashOf('other') }, true), 'late')
})

test('empty fields do not change a hash; order of fields neither; content does', () => {
  assert.equal(contentHash({ a: 1, b: null, c: [], d: {} }), contentHash({ a: 1 }))
  assert.equal(contentHash({ a: 1, b: 2 }), contentHash({ b: 2, a: 1 }))
  assert.notEqual(contentHash({ a: 1 }), contentHash({ a: 2 }))
})

test('the typed-array state agrees with a plain map over any history', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 300 }).map(String),
    order: fc.integer({ min: 0, max: 5 }),
    text: fc.constantFrom('a', 'b', 'c'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000 }), (history) => {
      const state = createDedupeState(4)
      const seen = new Set<string>()
      const newest = new Map<string, { order: number; hash: string }>()
      for (const { key, order, text } of history) {
        const version = { order, hash: hashOf(text) }
        assert.equal(state.has(key, version), seen.has(`${key} ${order} ${text}`))
        state.accept(key, version)
        seen.add(`${key} ${order} ${text}`)
        const latest = newest.get(key)
        if (!latest || order > latest.order || (order === latest.order && version.hash > latest.hash)) newest.set(key, version)
        assert.deepEqual(state.newest(key), newest.get(key))
      }
      assert.equal(state.keys(), newest.size)
    }),
    { numRuns: 30 },
  )
})
