import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../../runtime/kafka/kafkajs.ts'
import { decodeBatches, frameBatches, type KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import { encodeBatch, encodeMarker } from '../../helpers/record-batches.ts'

const copy = ({ key, value, headers, ...rest }: KafkaRecord) => ({
  ...rest,
  key: key?.toString() ?? null,
  value: value?.toString() ?? null,
  headers: headers.map(([name, text]) => [name, text?.toString()]),
})
const decode = (bytes: Buffer, fromOffset = 0, aborted: { producerId: string; firstOffset: string }[] = []) => {
  const records: ReturnType<typeof copy>[] = []
  const next = decodeBatches(bytes, { fromOffset, aborted, onRecord: (record) => records.push(copy(record)) })
  return { records, next, values: records.map(({ value }) => value) }
}

test('a record comes out with its offset, time, key, value and headers', async () => {
  const bytes = await encodeBatch(
    [
      { key: 'k', value: 'v', headers: { a: '1' } },
      { key: null, value: null, timestampDelta: 5 },
    ],
    { baseOffset: 41 },
  )
  assert.deepEqual(decode(bytes, 41).records, [
    { offset: 41, timestampMs: 1_700_000_000_000, isLogAppendTime: false, key: 'k', value: 'v', headers: [['a', '1']] },
    { offset: 42, timestampMs: 1_700_000_000_005, isLogAppendTime: false, key: null, value: null, headers: [] },
  ])
})

for (const [name, compression] of [
  ['none', 0],
  ['gzip', 1],
  ['zstd', 4],
] as const) {
  test(`records compressed with ${name} are read`, async () => {
    const values = Array.from({ length: 500 }, (_, index) => `value ${index}`)
    const bytes = await encodeBatch(
      values.map((value) => ({ value })),
      { compression },
    )
    assert.deepEqual(decode(bytes).values, values)
  })
}

test('records before the offset that was asked for are left out', async () => {
  const bytes = await encodeBatch([{ value: 'a' }, { value: 'b' }, { value: 'c' }], { baseOffset: 10 })
  const { values, next } = decode(bytes, 12)
  assert.deepEqual([values, next], [['c'], 13])
})

test('a batch that the fetch cut short is left for the next fetch', async () => {
  const whole = await encodeBatch([{ value: 'a' }], { baseOffset: 0 })
  const cut = (await encodeBatch([{ value: 'b' }], { baseOffset: 1 })).subarray(0, -1)
  const bytes = Buffer.concat([whole, cut])
  assert.equal(frameBatches(bytes)?.bytes, whole.length)
  assert.deepEqual([decode(bytes).values, decode(bytes).next], [['a'], 1])
})

test('a fetch with nothing whole in it gives no frame', async () => {
  assert.equal(frameBatches((await encodeBatch([{ value: 'a' }])).subarray(0, 65)), null)
})

test('an aborted transaction is not delivered, interleaved with one that committed', async () => {
  const bytes = Buffer.concat([
    await encodeBatch([{ value: 'aborted 1' }], { baseOffset: 0, producerId: 1, transactional: true }),
    await encodeBatch([{ value: 'kept 2' }], { baseOffset: 1, producerId: 2, transactional: true }),
    await encodeBatch([{ value: 'aborted 3' }], { baseOffset: 2, producerId: 1, transactional: true }),
    await encodeMarker('abort', { baseOffset: 3, producerId: 1 }),
    await encodeMarker('commit', { baseOffset: 4, producerId: 2 }),
    await encodeBatch([{ value: 'kept 5' }], { baseOffset: 5, producerId: 1, transactional: true }),
  ])
  const { values, next } = decode(bytes, 0, [{ producerId: '1', firstOffset: '0' }])
  assert.deepEqual([values, next], [['kept 2', 'kept 5'], 6])
})

test('a fetch that ends in control records moves on past them', async () => {
  const bytes = await encodeMarker('commit', { baseOffset: 7, producerId: 1 })
  assert.deepEqual([decode(bytes, 7).values, decode(bytes, 7).next], [[], 8])
})

test('what can not be a batch ends the frame, for the reader to say why', async () => {
  const whole = await encodeBatch([{ value: 'a' }], { baseOffset: 0 })
  const old = await encodeBatch([{ value: 'b' }], { baseOffset: 1 })
  old.writeInt8(1, 16)
  const sizeless = await encodeBatch([{ value: 'b' }], { baseOffset: 1 })
  sizeless.writeInt32BE(-12, 8)
  for (const bad of [old, sizeless]) {
    const bytes = Buffer.concat([whole, bad, whole])
    assert.deepEqual(frameBatches(bytes), { baseOffset: 0, lastOffset: 1, count: 2, bytes: bytes.length })
  }
})
