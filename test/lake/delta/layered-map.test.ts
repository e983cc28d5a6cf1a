import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { emptyLayeredMap, type LayeredMap } from '../../../lake/delta/layered-map.ts'

/** What a LayeredMap stands for: a Map whose keys are deleted before they are set. */
const changed = (map: ReadonlyMap<string, number>, changes: readonly (readonly [string, number | undefined])[]) => {
  const after = new Map(map)
  for (const [key, value] of changes) {
    after.delete(key)
    if (value !== undefined) after.set(key, value)
  }
  return after
}

it('holds what a Map holds after any changes, in the order in which keys were last set, and never changes itself', () => {
  const key = fc.integer({ min: 0, max: 30 }).map(String)
  const changes = fc.array(fc.tuple(key, fc.option(fc.nat(9), { nil: undefined })), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 40 }), (steps) => {
      const versions: [LayeredMap<number>, Map<string, number>][] = [[emptyLayeredMap(), new Map()]]
      for (const step of steps) {
        const [map, model] = versions.at(-1)!
        versions.push([map.with(step), changed(model, step)])
      }
      for (const [map, model] of versions) {
        assert.deepEqual([...map], [...model])
        assert.equal(map.size, model.size)
        for (let index = 0; index <= 30; index++) {
          assert.equal(map.get(String(index)), model.get(String(index)))
          assert.equal(map.has(String(index)), model.has(String(index)))
        }
      }
    }),
    { numRuns: 300 },
  )
})

it('goes through keys, values and entries as a Map does', () => {
  const map = emptyLayeredMap<number>()
    .with([['a', 1]])
    .with([['b', 2]])
  assert.deepEqual([...map.keys()], ['a', 'b'])
  assert.deepEqual([...map.values()], [1, 2])
  const seen: unknown[] = []
  map.forEach((value, key) => {
    seen.push([key, value])
  })
  assert.deepEqual(seen, [...map.entries()])
})
