import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { filePath } from '../../../lake/delta/actions.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openLocalFiles } from '../../../lake/store/local-files.ts'
import { trace } from '../../../lineage/trace/trace.ts'
import { type Lake, withLake } from '../../compactor/lake.ts'
import { author, book, by, deletion, md5, type Row, rating, shelves, versionKey } from '../../compactor/silver.ts'

const ask = async ({ store, duckdb, dir }: Lake, table: string, key: string, version?: number) => {
  await mkdir(path.join(dir, 'copies'), { recursive: true })
  const files = openLocalFiles({ store, dir: path.join(dir, 'copies'), maxBytes: 0 })
  return trace({ store, files, duckdb, tableAt: (root) => openTable(store, root) }, { table, key, version })
}
const offsetsOf = ({ rows }: Awaited<ReturnType<typeof ask>>) => rows.map(({ origin }) => origin?.record?.offset ?? null)
const offset = (row: Row) => row['_offset']

const versions = [
  book('b1', '2026-01-01', 'h1', { title: 'One', authors: by('a1'), shelves: shelves({ fantasy: 3 }) }),
  book('b1', '2026-02-01', 'h2', { title: 'One, again', authors: by('a1') }),
  book('b1', '2026-03-01', 'h3', { title: 'One, for good', authors: by('a1') }),
] as const

test('each version of a book leads to the record that made it, by its own key or by the book', () =>
  withLake(async (lake) => {
    const [first, late, last] = versions
    await lake.addSilver({ books: [first, last], authors: [author('a1', '2026-01-01', 'x', { name: 'Ann' })] })
    await lake.build()
    await lake.addSilver({ books: [late] })
    await lake.build()

    const all = await ask(lake, 'gold.dim_book', 'b1')
    assert.deepEqual(
      all.rows.map(({ row }) => row['title']),
      ['One, for good', 'One, again', 'One'],
    )
    assert.deepEqual(offsetsOf(all), [last, late, first].map(offset))
    assert.deepEqual(
      all.rows.map(({ origin }) => [origin?.silver?.version, origin?.silver?.added_by?.version]),
      [
        [1, 0],
        [1, 1],
        [1, 0],
      ],
      'one version of Silver for the whole answer',
    )
    const one = await ask(lake, 'gold.dim_book', versionKey('b1', '2026-02-01', 'h2'))
    assert.deepEqual(offsetsOf(one), [offset(late)])
    assert.equal(one.rows[0]?.joins[0]?.row['name'], 'Ann')
    assert.deepEqual(offsetsOf(await ask(lake, 'gold.dim_book', 'b1', 0)), [last, first].map(offset), 'as it was in Gold version 0')
    await assert.rejects(ask(lake, 'gold.dim_book', 'b1', 7), { code: 'lake-not-found' })

    const credits = await ask(lake, 'gold.bridge_book_author', 'b1')
    assert.deepEqual(new Set(offsetsOf(credits)), new Set(versions.map(offset)))
    assert.deepEqual(offsetsOf(await ask(lake, 'silver.books', 'b1')), [last, late, first].map(offset))
  }))

test('a rating leads to the newest change of its key as of each Gold version', () =>
  withLake(async (lake) => {
    const [first, second] = [rating('u1', 'b1', 5, '2026-01-10'), rating('u1', 'b1', 2, '2026-02-10')]
    await lake.addSilver({ books: [versions[0]], ratings: [first, rating('u2', 'b1', 4, '2026-01-11')] })
    await lake.build()
    await lake.addSilver({ ratings: [{ ...second, _partition: 1 }, second] })
    await lake.build()
    assert.deepEqual(offsetsOf(await ask(lake, 'gold.fact_rating', 'u1:b1', 0)), [offset(first)])
    const now = await ask(lake, 'gold.fact_rating', 'u1:b1')
    assert.deepEqual(offsetsOf(now), [offset(second)])
    assert.equal(now.rows[0]?.origin?.record?.partition, 1, 'of one record on two partitions the one that the models take')
    assert.equal(now.rows[0]?.joins.find(({ table }) => table === 'gold.dim_book')?.row['title'], 'One')
    assert.match(now.rows[0]?.origin?.notes.join(' ') ?? '', /bronze\.ratings has no row of that offset yet/)
  }))

test('what comes from no record says what it comes from', () =>
  withLake(async (lake) => {
    await lake.addSilver({ books: [versions[0], deletion('b1', '2026-02-01')], ratings: [rating('u1', 'b9', 5, '2026-01-10')] })
    await lake.build()
    const [placeholder] = (await ask(lake, 'gold.dim_book', md5('b9'))).rows
    assert.deepEqual([placeholder?.origin, placeholder?.row['is_placeholder']], [null, true])
    assert.match(placeholder?.notes.join(' ') ?? '', /no record of it has come yet/)
    const [deleted] = (await ask(lake, 'gold.dim_book', 'b1')).rows
    assert.equal(deleted?.origin?.silver?.deleted, true)
    assert.match(deleted?.notes.join(' ') ?? '', /The source deleted it/)
    for (const [table, key, told] of [
      ['gold.dim_date', '20260110', /come from no record/],
      ['gold.dim_genre', 'fantasy', /curated list/],
      ['gold.agg_rating_distribution', 'b9', /gold\.fact_rating of this book_id/],
      ['gold.agg_ratings_daily', '20260110', /rated_month/],
    ] as const) {
      const [row] = (await ask(lake, table, key)).rows
      assert.equal(row?.origin, null, table)
      assert.match(row?.notes.join(' ') ?? '', told)
    }
    await assert.rejects(ask(lake, 'gold.dim_date', 'today'), { code: 'lake-not-found' })
  }))

test('a file of Silver that vacuum has taken: the row is found where a merge has put it, else a note says that it is gone', () =>
  withLake(async (lake) => {
    const row = rating('u1', 'b1', 5, '2026-01-10')
    await lake.addSilver({ books: [versions[0]], ratings: [row] })
    await lake.build()
    const table = openTable(lake.store, 'silver/ratings')
    const [old] = [...(await table.snapshot()).files.values()]
    await lake.addSilver({ ratings: [row, rating('u2', 'b1', 1, '2026-01-12')] }, () => true)
    await lake.store.delete(`silver/ratings/${filePath(old?.path ?? '')}`)
    const [found] = (await ask(lake, 'gold.fact_rating', 'u1:b1')).rows
    assert.equal(found?.origin?.record?.offset, offset(row))
    assert.match(found?.origin?.notes.join(' ') ?? '', /found in version 1, as version 0 can not be read any more/)

    const [merged] = [...(await table.snapshot()).files.values()]
    await lake.store.delete(`silver/ratings/${filePath(merged?.path ?? '')}`)
    const [cut] = (await ask(lake, 'gold.fact_rating', 'u1:b1')).rows
    assert.equal(cut?.origin?.silver, null)
    assert.match(cut?.origin?.notes.join(' ') ?? '', /silver\.ratings has no such row any more/)
    assert.equal(cut?.row['rating'], 5, 'the Gold row itself is told')
  }))
