import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import '../../../runtime/kafka/kafkajs.ts'
import { frameBatches } from '../../../runtime/kafka/record-batch.ts'
import { openRecordReader } from '../../../runtime/kafka/record-reader.ts'
import { encodeBatch, recompressed, withCrc } from '../../helpers/record-batches.ts'
import { ALL, corruptAt, drain, fetched, KIB, readerOf } from './reading.ts'

test('a record comes out with its offset, time, key, value and headers', async () => {
  const bytes = await encodeBatch(
    [
      { key: 'k', value: 'v', headers: { a: '1' } },
      { key: null, value: null, timestampDelta: 5 },
      { key: '', value: '' },
    ],
    { baseOffset: 41 },
  )
  const time = { timestampMs: 1_700_000_000_000, isLogAppendTime: false }
  assert.deepEqual((await drain(readerOf(fetched(bytes)))).records, [
    { offset: 41, ...time, key: 'k', value: 'v', headers: [['a', '1']] },
    { offset: 42, ...time, timestampMs: 1_700_000_000_005, key: null, value: null, headers: [] },
    { offset: 43, ...time, key: '', value: '', headers: [] },
  ])
})

const batchOptions = fc.record({
  codec: fc.constantFrom('none', 'gzip', 'zstd', 'snappy', 'xerial', 'lz4', 'lz4-linked'),
  gap: fc.nat({ max: 3 }),
} as const)
const recordValues = fc.record({
  key: fc.option(fc.string({ maxLength: 10 })),
  value: fc.option(
    fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.integer({ min: 0, max: 3000 }).map((length) => 'ab'.repeat(length)),
    ),
  ),
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== '__proto__'),
    fc.string({ maxLength: 5 }),
    { maxKeys: 2 },
  ),
  timestampDelta: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
})

test('whatever the codec and wherever takes and fetches are cut, the records are the same', async () => {
  const batches = fc.array(fc.tuple(fc.array(recordValues, { minLength: 1, maxLength: 30 }), batchOptions), { minLength: 1, maxLength: 5 })
  const limits = fc.record({ maxRecords: fc.integer({ min: 1, max: 40 }), maxBytes: fc.integer({ min: 1, max: 5000 }) })
  await fc.assert(
    fc.asyncProperty(
      batches,
      limits,
      fc.nat({ max: 10 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 1, max: 5000 }),
      async (input, limit, skip, cuts, maxExpandedBytes) => {
        let baseOffset = 7
        const want: string[] = []
        const fetches: Buffer[][] = [[]]
        for (const [index, [records, { codec, gap }]] of input.entries()) {
          baseOffset += gap
          for (const [delta, { key, value }] of records.entries()) want.push(JSON.stringify([baseOffset + delta, key, value]))
          if (cuts[index] && fetches.at(-1)?.length) fetches.push([])
          fetches.at(-1)?.push(recompressed(await encodeBatch(records, { baseOffset }), codec))
          baseOffset += records.length
        }
        const reader = openRecordReader({ maxExpandedBytes })
        const from = 7 + skip
        for (const parts of fetches) {
          const bytes = Buffer.concat(parts)
          const lastOffset = frameBatches(bytes)?.lastOffset ?? 0
          if (lastOffset >= from) reader.push(fetched(bytes, reader.fetchedTo() ?? from))
        }
        const { records } = await drain(reader, limit)
        assert.deepEqual(
          records.map(({ offset, key, value }) => JSON.stringify([offset, key, value])),
          want.filter((text) => JSON.parse(text)[0] >= from),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('batches that compaction emptied or thinned out move progress on', async () => {
  const emptied = await encodeBatch([{ value: 'gone' }], { baseOffset: 0 })
  emptied.writeInt32BE(4, 23)
  emptied.writeInt32BE(0, 57)
  const empty = withCrc(emptied.subarray(0, 61))
  empty.writeInt32BE(61 - 12, 8)
  const thinned = await encodeBatch([{ value: 'left' }], { baseOffset: 5 })
  thinned.writeInt32BE(9, 23)
  const reader = readerOf(fetched(Buffer.concat([withCrc(empty), withCrc(thinned)])))
  const { values, offsets, nextOffset } = await drain(reader)
  assert.deepEqual([values, offsets, nextOffset], [['left'], [5], 15])
  assert.deepEqual(await drain(readerOf(fetched(withCrc(empty)))), { records: [], values: [], offsets: [], nextOffset: 5 })
})

test('a batch that the fetch cut short is left for the next fetch', async () => {
  const whole = await encodeBatch([{ value: 'a' }])
  const cut = await encodeBatch([{ value: 'b' }], { baseOffset: 1 })
  for (const length of [1, 17, 40, 61, cut.length - 1]) {
    const { values, nextOffset } = await drain(readerOf(fetched(Buffer.concat([whole, cut.subarray(0, length)]))))
    assert.deepEqual([values, nextOffset], [['a'], 1])
  }
})

test('batches out of order are not delivered', async () => {
  const batches = [
    await encodeBatch([{ value: 'a' }, { value: 'b' }], { baseOffset: 3 }),
    await encodeBatch([{ value: 'c' }], { baseOffset: 4 }),
  ]
  const reader = readerOf(fetched(Buffer.concat(batches)))
  const chunk = await reader.take(ALL)
  if (chunk && chunk.nextOffset < 5) await corruptAt(reader)
  assert.deepEqual(
    chunk?.records.map(({ offset }) => offset),
    [3, 4],
  )
})

test('fetches must follow one another', async () => {
  const reader = readerOf(fetched(await encodeBatch([{ value: 'a' }])))
  const next = fetched(await encodeBatch([{ value: 'c' }], { baseOffset: 2 }))
  assert.throws(() => reader.push(next), /1 is next/)
})

test('what is cleared while a take waits is not delivered', async () => {
  const bytes = recompressed(await encodeBatch(Array.from({ length: 100 }, () => ({ value: Buffer.alloc(100 * KIB) }))), 'zstd')
  const reader = readerOf(fetched(bytes))
  const taking = reader.take(ALL)
  reader.clear()
  assert.equal(await taking, null)
  reader.push(fetched(await encodeBatch([{ value: 'new' }], { baseOffset: 70 })))
  assert.deepEqual((await drain(reader)).values, ['new'])
})
