import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import '../../../runtime/kafka/kafkajs.ts'
import { openRecordReader } from '../../../runtime/kafka/record-reader.ts'
import { encodeBatch, recompressed } from '../../helpers/record-batches.ts'
import { drain, fetched, KIB, readerOf } from './reading.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

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
