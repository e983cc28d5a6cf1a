import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goldNames } from '../../compactor/tables.ts'
import { readPublished } from '../../lake/published.ts'
import { openStore } from '../../lake/store/open.ts'
import { bronzeOffsets, readRows } from '../helpers/tables.ts'
import { testData } from '../helpers/test-data.ts'
import { lastJson, readflow, tempDir } from '../helpers/up.ts'

const goodbooks = testData('goodbooks')
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)

test('goodbooks from end to end, twice: every record once in Bronze, the second time nothing new in Silver', {
  skip: goodbooks.skip,
}, async (t) => {
  const dir = await tempDir(t)
  const args = [
    'up',
    '--once',
    '--data',
    dir,
    '--kafka-port',
    '0',
    '--registry-port',
    '0',
    '--port',
    '0',
    '--source',
    `dataset:${goodbooks.path}`,
  ]
  const startedMs = Date.now()
  const first = await readflow(args)
  assert.equal(first.code, 0, first.stderr)
  const summary = lastJson(first)
  assert.equal(summary.ok, true)
  assert.equal(summary.polled.books, 10_000)
  assert.equal(summary.polled.ratings, 233_383)
  assert.deepEqual(summary.bronze, summary.polled)
  assert.equal(sum(summary.silver) + summary.deadLetters + summary.repeats, sum(summary.bronze))
  assert.equal(summary.gold.fact_rating, summary.silver.ratings)
  assert.ok(summary.gold.dim_book >= summary.silver.books)
  assert.deepEqual(Object.keys(summary.gold).sort(), [...goldNames].sort())
  await assertComplete(`file:${dir}/lake`, startedMs)

  const again = await readflow(args)
  assert.equal(again.code, 0, again.stderr)
  const second = lastJson(again)
  assert.deepEqual(second.polled, summary.polled)
  assert.deepEqual(second.silver, summary.silver)
  assert.equal(second.repeats + second.deadLetters, sum(summary.polled))
  assert.deepEqual(second.gold, summary.gold)
  for (const entity of ['books', 'authors', 'ratings'] as const) {
    for (const [partition, offsets] of await bronzeOffsets(`file:${dir}/lake`, entity)) {
      assert.deepEqual(
        offsets,
        Array.from(offsets, (_, index) => index),
        `${entity}/${partition}: each offset from 0 on, once`,
      )
    }
  }
})

/** The published Gold has all that Kafka got in this run, also of entities of which nothing came, and says so. */
const assertComplete = async (lakeUrl: string, startedMs: number) => {
  const store = openStore(lakeUrl)
  const published = await readPublished(store).finally(() => store.close())
  assert.ok(published?.completeThrough)
  const throughMs = Date.parse(published.completeThrough)
  assert.ok(startedMs <= throughMs && throughMs <= Date.parse(published.publishedAt), published.completeThrough)
  assert.deepEqual(Object.keys(published.completeThroughByEntity).sort(), ['authors', 'books', 'ratings', 'reviews'])
  for (const entity of ['books', 'authors', 'ratings'])
    for (const { ingestion_timestamp } of await readRows(lakeUrl, `silver/${entity}`, ['ingestion_timestamp']))
      if ((ingestion_timestamp as number) > throughMs)
        assert.fail(`${entity}: a row of ${ingestion_timestamp}, complete through ${throughMs}`)
}

test('a wrong source is one clear line', async (t) => {
  const dir = await tempDir(t)
  for (const [source, expected] of [
    ['dataset:/nowhere', /no books\.csv in \/nowhere/],
    ['magic:', /'magic:' names no source/],
    ['goodreads-api:nonsense', /is not a URL/],
  ] as const) {
    const { code, stderr, stdout } = await readflow([
      'up',
      '--once',
      '--data',
      dir,
      '--kafka-port',
      '0',
      '--registry-port',
      '0',
      '--port',
      '0',
      '--source',
      source,
    ])
    assert.notEqual(code, 0)
    const lines = (stdout + stderr).split('\n')
    const told = lines.find((line) => expected.test(line))
    assert.ok(told, stdout + stderr)
    assert.ok(!/^\s+at /m.test(stdout + stderr), 'no stack trace')
  }
})
