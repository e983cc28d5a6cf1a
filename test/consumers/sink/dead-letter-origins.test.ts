import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDeadLetterOrigins } from '../../../consumers/sink/dead-letter-origins.ts'
import type { KafkaClient } from '../../../runtime/kafka/client.ts'
import '../../../runtime/kafka/kafkajs.ts'
import { frameBatches } from '../../../runtime/kafka/record-batch.ts'
import type { Log } from '../../../runtime/log.ts'
import { encodeBatch } from '../../helpers/record-batches.ts'

const log = { info: () => undefined, warn: () => undefined } as unknown as Log
const letter = (offset: number, errorClass = 'a') => ({
  value: 'x',
  headers: { 'readflow.topic-id': 'id', 'readflow.partition': '0', 'readflow.offset': String(offset), 'readflow.error-class': errorClass },
})

/** A client whose consumer gives one batch a fetch, from where it is told to seek. */
const clientOf = (batches: readonly Buffer[]): KafkaClient => {
  const frames = batches.map((bytes) => ({ ...(frameBatches(bytes) ?? assert.fail('no batch')), bytes }))
  const end = frames.at(-1)!.lastOffset + 1
  let next = -1
  let isOver = false
  const listeners = new Map<string, (event: object) => void>()
  const fetchAll = async (eachBatch: (payload: object) => Promise<void>) => {
    listeners.get('join')?.({ payload: { memberAssignment: { dlq: [0] }, memberId: 'm' } })
    while (!isOver) {
      await new Promise(setImmediate)
      const frame = frames.find(({ lastOffset }) => next >= 0 && lastOffset >= next)
      if (!frame) continue
      const batch = { topic: 'dlq', partition: 0, fetchedOffset: String(next), messages: [{ ...frame, aborted: [] }] }
      next = frame.lastOffset + 1
      await eachBatch({ batch, heartbeat: async () => undefined }).catch(() => undefined)
    }
  }
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash' },
    on: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async ({ eachBatch }: { eachBatch: (payload: object) => Promise<void> }) => void fetchAll(eachBatch),
    pause: () => undefined,
    resume: () => undefined,
    seek: ({ offset }: { offset: string }) => {
      next = Number(offset)
    },
    disconnect: async () => {
      isOver = true
    },
  }
  return {
    kafka: { consumer: () => consumer },
    topicOffsets: async () => [{ partition: 0, logStart: 0, end }],
  } as unknown as KafkaClient
}

test('origins are read up to the end, and a damaged batch costs its own letters only', { timeout: 10_000 }, async () => {
  const batches = [
    await encodeBatch([letter(5), letter(6)], { baseOffset: 0 }),
    await encodeBatch([letter(7)], { baseOffset: 2 }),
    await encodeBatch([letter(8), letter(5, 'b'), letter(30)], { baseOffset: 3 }),
  ]
  const wanted = [{ topicId: 'id', partition: 0, below: 20 }]
  assert.deepEqual(await readDeadLetterOrigins({ client: clientOf(batches), log }, 'dlq', wanted), [
    new Map([
      [5, 'b'],
      [6, 'a'],
      [7, 'a'],
      [8, 'a'],
    ]),
  ])
  const damaged = Buffer.from(batches[1]!)
  damaged[damaged.length - 1]! ^= 1
  const found = await readDeadLetterOrigins({ client: clientOf([batches[0]!, damaged, batches[2]!]), log }, 'dlq', wanted)
  assert.deepEqual(
    found.map((origins) => [...origins.keys()]),
    [[5, 6, 8]],
  )
})
