import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import '../../../runtime/kafka/kafkajs.ts'
import type { AbortedTransaction, KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import { frameBatches } from '../../../runtime/kafka/record-batch.ts'
import { openRecordReader, type RecordReader } from '../../../runtime/kafka/record-reader.ts'
import { CorruptBatchError } from '../../../runtime/kafka/records/corrupt-batch.ts'
import { encodeBatch, encodeMarker, recompressed, withCrc } from '../../helpers/record-batches.ts'

const ALL = { maxRecords: 1_000_000, maxBytes: 1_000_000_000 }
const KIB = 1024
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const fetched = (bytes: Buffer, fetchedOffset?: number, aborted: readonly AbortedTransaction[] = []) => {
  const frame = frameBatches(bytes)
  assert.ok(frame)
  const { baseOffset, lastOffset, count } = frame
  return {
    topic: 't',
    partition: 3,
    fetchedOffset: fetchedOffset ?? baseOffset,
    lastOffset,
    count,
    bytes: bytes.subarray(0, frame.bytes),
    aborted,
  }
}
const readerOf = (...fetches: ReturnType<typeof fetched>[]) => {
  const reader = openRecordReader()
  for (const each of fetches) reader.push(each)
  return reader
}
const plain = ({ key, value, headers, ...rest }: KafkaRecord) => ({
  ...rest,
  key: key?.toString() ?? null,
  value: value?.toString() ?? null,
  headers: headers.map(([name, text]) => [name, text?.toString()]),
})
/** Takes until nothing is left, checking what every chunk promises. */
const drain = async (reader: RecordReader, limits = ALL) => {
  const records: ReturnType<typeof plain>[] = []
  let nextOffset: number | null = null
  for (let chunk = await reader.take(limits); chunk; chunk = await reader.take(limits)) {
    if (nextOffset !== null) assert.equal(chunk.fromOffset, nextOffset)
    assert.ok(chunk.records.length > 0 || chunk.nextOffset > chunk.fromOffset, 'a chunk makes progress')
    assert.ok(chunk.records.length <= Math.max(1, limits.maxRecords))
    assert.ok(chunk.records.length === 1 || chunk.decodedBytes <= limits.maxBytes)
    for (const { offset } of chunk.records) assert.ok(offset >= chunk.fromOffset && offset < chunk.nextOffset)
    nextOffset = chunk.nextOffset
    records.push(...chunk.records.map(plain))
  }
  assert.deepEqual([reader.bufferedBytes(), reader.bufferedCount(), reader.fetchedTo()], [0, 0, null])
  return { records, nextOffset, values: records.map(({ value }) => value), offsets: records.map(({ offset }) => offset) }
}
const corruptAt = async (reader: RecordReader) => {
  const error = await reader.take(ALL).then(
    () => assert.fail('nothing was wrong'),
    (reason) => reason,
  )
  assert.ok(error instanceof CorruptBatchError, String(error))
  return error
}

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

test('a flipped byte is noticed, wherever the CRC covers it', async () => {
  const good = await encodeBatch([{ value: 'before' }], { baseOffset: 0 })
  const batch = await encodeBatch([{ key: 'k', value: 'value', headers: { h: 'x' } }, { value: 'second' }], {
    baseOffset: 1,
    compression: 1,
  })
  for (let at = 17; at < batch.length; at++) {
    const flipped = Buffer.from(batch)
    flipped[at] = (flipped[at] as number) ^ 0x10
    const reader = readerOf(fetched(Buffer.concat([good, flipped])))
    const first = await reader.take(ALL)
    assert.deepEqual([first?.records.length, first?.nextOffset], [1, 1], `byte ${at}: what comes before is delivered`)
    const error = await corruptAt(reader)
    assert.equal(error.fromOffset, 1)
    assert.ok(error.toOffset > 1 && error.toOffset <= 3, `byte ${at}: ${error.toOffset}`)
  }
})

test('a corrupt batch is named, and asked again says the same; the reader goes on after a new fetch', async () => {
  const batch = await encodeBatch([{ value: 'a' }, { value: 'b' }], { baseOffset: 5 })
  const flipped = Buffer.from(batch)
  flipped[70] = 0x55
  const reader = readerOf(fetched(flipped))
  for (let time = 0; time < 2; time++) {
    const { code, message, topic, partition, fromOffset, toOffset } = await corruptAt(reader)
    assert.deepEqual([code, topic, partition, fromOffset, toOffset], ['kafka-corrupt', 't', 3, 5, 7])
    assert.match(message, /offset 5 of t\/3 .*CRC-32C is wrong/)
  }
  reader.clear()
  assert.equal(reader.fetchedTo(), null)
  reader.push(fetched(batch))
  assert.deepEqual((await drain(reader)).values, ['a', 'b'])
})

test('an old message format is refused by name', async () => {
  const bytes = await encodeBatch([{ value: 'a' }], { baseOffset: 9 })
  bytes.writeInt8(1, 16)
  assert.match((await corruptAt(readerOf(fetched(bytes)))).message, /offset 9 .*format 1, and only format 2/)
})

for (const [name, change] of [
  ['more records than it has', (batch: Buffer) => batch.writeInt32BE(3, 57)],
  ['fewer records than it has', (batch: Buffer) => batch.writeInt32BE(1, 57)],
  ['a record that is longer than its fields', (batch: Buffer) => batch.writeUInt8((batch[61] as number) + 2, 61)],
  ['a record of negative length', (batch: Buffer) => batch.writeUInt8(1, 61)],
  ['a codec that nobody knows', (batch: Buffer) => batch.writeInt16BE(7, 21)],
  ['a codec that it was not written with', (batch: Buffer) => batch.writeInt16BE(4, 21)],
] as const) {
  test(`a batch whose CRC is right but that states ${name} is corrupt`, async () => {
    const batch = await encodeBatch([{ value: 'a' }, { value: 'b' }, { value: 'c' }].slice(0, 2))
    batch.writeInt32BE(2, 23)
    change(batch)
    const reader = readerOf(fetched(withCrc(batch)))
    const taken = await reader.take(ALL).catch(() => null)
    if (taken) assert.ok(taken.nextOffset <= 2)
    const { toOffset } = await corruptAt(reader)
    assert.equal(toOffset, 3)
  })
}

test('one batch of 300,000 tiny records is read in parts', async () => {
  const records = Array.from({ length: 300_000 }, (_, index) => ({ value: String(index) }))
  const batch = await encodeBatch(records, { baseOffset: 10 })
  for (const codec of ['none', 'zstd'] as const) {
    const bytes = recompressed(batch, codec)
    const reader = readerOf(fetched(bytes))
    let next = 0
    for (let chunk = await reader.take({ maxRecords: 70_001, maxBytes: 1_000_000_000 }); chunk; ) {
      for (const { value, offset } of chunk.records) {
        assert.equal(value?.toString(), String(next))
        assert.equal(offset, 10 + next++)
      }
      assert.equal(reader.bufferedCount(), 300_000 - next)
      chunk = await reader.take({ maxRecords: 70_001, maxBytes: 1_000_000_000 })
    }
    assert.equal(next, 300_000)
  }
})

for (const codec of ['gzip', 'zstd', 'snappy', 'lz4'] as const) {
  test(`a batch that expands a lot is never expanded as a whole: ${codec}`, async () => {
    const VALUES = 40
    const bytes = recompressed(await encodeBatch(Array.from({ length: VALUES }, () => ({ value: Buffer.alloc(1024 * KIB) }))), codec)
    const reader = readerOf(fetched(bytes))
    const before = process.memoryUsage().arrayBuffers
    let seen = 0
    let peak = 0
    for (let chunk = await reader.take({ maxRecords: 10, maxBytes: 3 * 1024 * KIB }); chunk; ) {
      seen += chunk.records.length
      assert.ok(chunk.decodedBytes <= 3 * 1024 * KIB)
      chunk = null
      collectGarbage()
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
      chunk = await reader.take({ maxRecords: 10, maxBytes: 3 * 1024 * KIB })
    }
    assert.equal(seen, VALUES)
    assert.ok(peak < 20 * 1024 * KIB, `${peak} bytes held`)
  })
}

test('a record that is too large comes without its value, and the next one as ever', async () => {
  const large = Buffer.alloc(300 * KIB, 'x')
  for (const codec of ['none', 'gzip', 'zstd', 'snappy', 'xerial', 'lz4', 'lz4-linked'] as const) {
    const bytes = recompressed(
      await encodeBatch([{ value: 'a' }, { key: 'big', value: large, headers: { h: '1' } }, { value: 'c' }], { baseOffset: 4 }),
      codec,
    )
    const reader = openRecordReader({ maxRecordBytes: 100 * KIB, maxExpandedBytes: 64 * KIB })
    reader.push(fetched(bytes))
    const { records, nextOffset } = await drain(reader)
    assert.equal(nextOffset, 7)
    assert.deepEqual(
      records.map(({ offset, key, value }) => [offset, key, value]),
      [
        [4, null, 'a'],
        [5, 'big', null],
        [6, null, 'c'],
      ],
    )
    const { oversizedBytes, oversizedHash, headers } = records[1] ?? assert.fail()
    assert.deepEqual(
      [oversizedBytes, oversizedHash, headers],
      [large.length, createHash('sha256').update(large).digest('hex'), [['h', '1']]],
    )
  }
})

test('a record with a key that is too large comes without both', async () => {
  const bytes = recompressed(await encodeBatch([{ key: Buffer.alloc(300 * KIB), value: 'v' }, { value: 'b' }]), 'zstd')
  const reader = openRecordReader({ maxRecordBytes: 100 * KIB, maxExpandedBytes: 64 * KIB })
  reader.push(fetched(bytes))
  const { records } = await drain(reader)
  assert.deepEqual(
    records.map(({ key, value, oversizedBytes }) => [key, value, oversizedBytes]),
    [
      [null, null, 1],
      [null, 'b', undefined],
    ],
  )
})

test('an 8 MB value passes whole', async () => {
  const value = Buffer.alloc(8 * 1024 * KIB, 'z')
  for (const codec of ['none', 'zstd', 'snappy'] as const) {
    const reader = readerOf(fetched(recompressed(await encodeBatch([{ value: 'a' }, { value }, { value: 'c' }]), codec)))
    const sizes: number[][] = []
    for (
      let chunk = await reader.take({ maxRecords: 100, maxBytes: 100 });
      chunk;
      chunk = await reader.take({ maxRecords: 100, maxBytes: 100 })
    )
      sizes.push(chunk.records.map((record) => record.value?.length ?? -1))
    assert.deepEqual(sizes, [[1], [value.length], [1]])
  }
})

const transactional = (value: string, baseOffset: number, producerId: number) =>
  encodeBatch([{ value }], { baseOffset, producerId, transactional: true })

/** Two producers, interleaved: 1 aborts its first transaction and commits its second, 2 commits. */
const interleaved = () =>
  Promise.all([
    transactional('aborted 0', 0, 1),
    transactional('kept 1', 1, 2),
    transactional('aborted 2', 2, 1),
    encodeBatch([{ value: 'plain 3' }], { baseOffset: 3 }),
    encodeMarker('abort', { baseOffset: 4, producerId: 1 }),
    encodeMarker('commit', { baseOffset: 5, producerId: 2 }),
    transactional('kept 6', 6, 1),
    encodeMarker('commit', { baseOffset: 7, producerId: 1 }),
    transactional('aborted 8', 8, 2),
    encodeMarker('abort', { baseOffset: 9, producerId: 2 }),
  ])
/** What a broker lists for a fetch from `fromOffset`: transactions whose marker comes at or after it. */
const listed = (fromOffset: number) =>
  [
    { producerId: '1', firstOffset: '0', marker: 4 },
    { producerId: '2', firstOffset: '8', marker: 9 },
  ].filter(({ marker }) => marker >= fromOffset)
const kept = ['kept 1', 'plain 3', 'kept 6']

test('aborted transactions are not delivered, wherever fetches begin and end', async () => {
  const batches = await interleaved()
  for (let cuts = 0; cuts < 2 ** batches.length; cuts += 3) {
    const reader = openRecordReader()
    let from = 0
    for (let to = 1; to <= batches.length; to++) {
      if (to < batches.length && !(cuts & (1 << to))) continue
      reader.push(fetched(Buffer.concat(batches.slice(from, to)), from, listed(from)))
      from = to
    }
    const { values, nextOffset } = await drain(reader, { maxRecords: 1 + (cuts % 3), maxBytes: 1000 })
    assert.deepEqual([values, nextOffset], [kept, batches.length], `cut at ${cuts.toString(2)}`)
  }
})

test('a read that begins in the middle of a transaction leaves out the rest of it', async () => {
  const batches = await interleaved()
  for (let from = 0; from < batches.length; from++) {
    const { values } = await drain(readerOf(fetched(Buffer.concat(batches.slice(from)), from, listed(from))))
    assert.deepEqual(
      values,
      kept.filter((text) => Number(text.split(' ')[1]) >= from),
      `from ${from}`,
    )
  }
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
