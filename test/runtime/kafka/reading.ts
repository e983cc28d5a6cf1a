import assert from 'node:assert/strict'
import '../../../runtime/kafka/kafkajs.ts'
import type { AbortedTransaction, KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import { frameBatches } from '../../../runtime/kafka/record-batch.ts'
import { openRecordReader, type RecordReader } from '../../../runtime/kafka/record-reader.ts'
import { CorruptBatchError } from '../../../runtime/kafka/records/corrupt-batch.ts'

export const ALL = { maxRecords: 1_000_000, maxBytes: 1_000_000_000 }
export const KIB = 1024

export const fetched = (bytes: Buffer, fetchedOffset?: number, aborted: readonly AbortedTransaction[] = []) => {
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
export const readerOf = (...fetches: ReturnType<typeof fetched>[]) => {
  const reader = openRecordReader()
  for (const each of fetches) reader.push(each)
  return reader
}
export const plain = ({ key, value, headers, ...rest }: KafkaRecord) => ({
  ...rest,
  key: key?.toString() ?? null,
  value: value?.toString() ?? null,
  headers: headers.map(([name, text]) => [name, text?.toString()]),
})
/** Takes until nothing is left, checking what every chunk promises. */
export const drain = async (reader: RecordReader, limits = ALL) => {
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
export const corruptAt = async (reader: RecordReader) => {
  const error = await reader.take(ALL).then(
    () => assert.fail('nothing was wrong'),
    (reason) => reason,
  )
  assert.ok(error instanceof CorruptBatchError, String(error))
  return error
}
