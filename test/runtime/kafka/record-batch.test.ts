import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../../runtime/kafka/kafkajs.ts'
import { frameBatches } from '../../../runtime/kafka/record-batch.ts'
import { encodeBatch } from '../../helpers/record-batches.ts'

test('a fetch with nothing whole in it gives no frame', async () => {
  assert.equal(frameBatches((await encodeBatch([{ value: 'a' }])).subarray(0, 65)), null)
})

test('a batch that the fetch cut short is not in the frame', async () => {
  const whole = await encodeBatch([{ value: 'a' }], { baseOffset: 0 })
  const cut = (await encodeBatch([{ value: 'b' }], { baseOffset: 1 })).subarray(0, -1)
  assert.deepEqual(frameBatches(Buffer.concat([whole, cut])), { baseOffset: 0, lastOffset: 0, count: 1, bytes: whole.length })
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
