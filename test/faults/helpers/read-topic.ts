import { randomUUID } from 'node:crypto'
import { Consumer, MessagesStreamModes } from '@platformatic/kafka'
import type { KafkaClient } from '../../../runtime/kafka/client.ts'

export interface Message {
  partition: number
  offset: number
  key: Buffer | null
  value: Buffer | null
  headers: Map<string, string>
}

/** Everything that a topic without transactions holds now, read by a client that is not the sink's. */
export const readTopic = async (
  world: { client: Pick<KafkaClient, 'topicOffsets'>; stack: { brokers: readonly string[] } },
  topic: string,
): Promise<Message[]> => {
  const ends = await world.client.topicOffsets(topic)
  let left = ends.reduce((sum, { logStart, end }) => sum + end - logStart, 0)
  if (left === 0) return []
  const consumer = new Consumer({
    groupId: randomUUID(),
    clientId: 'test-reader',
    bootstrapBrokers: [...world.stack.brokers],
    autocreateTopics: false,
  })
  const messages: Message[] = []
  const stream = await consumer.consume({ topics: [topic], autocommit: false, mode: MessagesStreamModes.EARLIEST, maxWaitTime: 200 })
  for await (const { partition, offset, key, value, headers } of stream) {
    messages.push({
      partition,
      offset: Number(offset),
      key: key ?? null,
      value: value ?? null,
      headers: new Map([...headers].map(([name, text]) => [String(name), String(text)])),
    })
    if (--left <= 0) break
  }
  await stream.close()
  await consumer.close(true)
  return messages
}
