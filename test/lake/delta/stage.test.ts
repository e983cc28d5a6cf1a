import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filePath } from '../../../lake/delta/actions.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { readParquet } from '../../../lake/parquet/read.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { batchOf, everyField, everyRow, field, rowsOf } from '../sample.ts'

const fields = [field('id', 'long'), field('day', 'date'), field('language', 'string')]
const stage = async (rows: Record<string, unknown>[], partitionColumns: string[]) => {
  const store = openMemoryStore()
  const adds = await stageFiles({ store, root: 't' }, batchOf(fields, rows), { partitionColumns })
  const rowsIn = async (index: number) => rowsOf(readParquet(await store.get(`t/${filePath(adds[index]!.path)}`)))
  return { adds, rowsIn, store }
}

describe('staged files', () => {
  it('hold the rows of one partition each, without the partition columns', async () => {
    const { adds, rowsIn } = await stage(
      [
        { id: 1, day: 20_779, language: 'en' },
        { id: 2, day: 20_779, language: null },
        { id: 3, day: 20_779, language: 'en' },
        { id: 4, day: -1, language: 'en' },
      ],
      ['day', 'language'],
    )
    assert.deepEqual(
      adds.map((add) => add.partitionValues),
      [
        { day: '2026-11-22', language: 'en' },
        { day: '2026-11-22', language: null },
        { day: '1969-12-31', language: 'en' },
      ],
    )
    assert.deepEqual(await rowsIn(0), [{ id: 1 }, { id: 3 }])
    assert.deepEqual(await rowsIn(1), [{ id: 2 }])
    assert.match(adds[0]!.path, /^day=2026-11-22\/language=en\/part-[0-9a-f-]{36}\.zstd\.parquet$/)
    assert.match(adds[1]!.path, /language=__HIVE_DEFAULT_PARTITION__\//)
  })

  it('keep any text in a partition apart and their paths inside the table', async () => {
    const texts = ['a/b', '../../x', 'a%2Fb', 'é 😀', "*?['", 'x'.repeat(400), '']
    const { adds, rowsIn } = await stage(
      texts.map((language, id) => ({ id, day: 0, language })),
      ['language'],
    )
    assert.deepEqual(
      adds.map((add) => add.partitionValues['language']),
      [...texts.slice(0, -1), null],
    )
    for (const [index, add] of adds.entries()) {
      assert.deepEqual(await rowsIn(index), [{ id: index, day: 0 }])
      assert.match(filePath(add.path), /^language=[^/]{1,200}\/part-[^/]+$/)
      assert.doesNotMatch(filePath(add.path), /[*?[\]'"{}]/)
    }
  })

  it('are none for no rows, and one where nothing is partitioned', async () => {
    assert.deepEqual((await stage([], ['day'])).adds, [])
    const { adds } = await stage([{ id: 1 }, { id: 2 }], [])
    assert.equal(adds.length, 1)
    assert.deepEqual(adds[0]!.partitionValues, {})
  })

  it('say their size and their statistics', async () => {
    const store = openMemoryStore()
    const [add] = await stageFiles({ store, root: 't' }, batchOf(everyField, [everyRow, { id: 7 }]))
    assert.equal(add!.size, (await store.get(`t/${add!.path}`)).length)
    const stats = JSON.parse(add!.stats!)
    assert.equal(stats.numRecords, 2)
    assert.equal(stats.nullCount.name, 1)
  })
})
