import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bronzeOffsets } from '../helpers/tables.ts'
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
  assert.deepEqual(Object.keys(summary.gold).sort(), ['dim_author', 'dim_book', 'dim_date', 'dim_genre', 'fact_rating', 'fact_review'])

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
