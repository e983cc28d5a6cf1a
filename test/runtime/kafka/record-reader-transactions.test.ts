import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../../runtime/kafka/kafkajs.ts'
import { openRecordReader } from '../../../runtime/kafka/record-reader.ts'
import { encodeBatch, encodeMarker } from '../../helpers/record-batches.ts'
import { drain, fetched, readerOf } from './reading.ts'

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
