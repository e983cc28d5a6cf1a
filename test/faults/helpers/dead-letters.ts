import assert from 'node:assert/strict'
import { dlqTopic } from '../../../schemas/catalogue.ts'
import { readTopic } from './read-topic.ts'
import type { World } from './world.ts'

/** Proves of each run that is named: every rejected record, and no other, has its dead letters, with its own key and bytes. */
export const checkDeadLetters = async (world: World, isChecked: (run: string) => boolean): Promise<void> => {
  for (const entity of ['ratings', 'books'] as const) {
    const rejected = new Map(
      world
        .delivered(entity)
        .filter(({ fate }) => fate === 'dead')
        .map((record) => [`${record.partition}/${record.offset}`, record]),
    )
    const letters = (await readTopic(world, dlqTopic(entity))).filter(({ headers }) => isChecked(headers.get('test.run') ?? ''))
    assert.ok(letters.length > 0, `${entity}: there are dead letters`)
    for (const [run = '', ofRun] of Map.groupBy(letters, ({ headers }) => headers.get('test.run'))) {
      const origins = new Map(
        ofRun.map((letter) => [`${letter.headers.get('readflow.partition')}/${letter.headers.get('readflow.offset')}`, letter]),
      )
      assert.deepEqual([...origins.keys()].sort(), [...rejected.keys()].sort(), `${entity}: the distinct dead letters of ${run}`)
      for (const [origin, letter] of origins) {
        const { key, value } = rejected.get(origin) ?? { key: null, value: null }
        assert.equal(letter.key?.toString() ?? null, key, `${entity} ${origin}: key`)
        assert.deepEqual(letter.value, value, `${entity} ${origin}: value`)
      }
    }
  }
}
