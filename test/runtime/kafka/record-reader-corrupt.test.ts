import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../../runtime/kafka/kafkajs.ts'
import { encodeBatch, withCrc } from '../../helpers/record-batches.ts'
import { ALL, corruptAt, drain, fetched, readerOf } from './reading.ts'

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
