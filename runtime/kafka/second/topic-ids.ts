import { Admin } from '@platformatic/kafka'
import { ReadflowError } from '../../errors.ts'

/**
 * The id of each topic, which tells a topic from its successor of the same name; kafkajs knows no ids.
 * Throws ReadflowError `kafka-unavailable`.
 */
export const readTopicIds = async ({
  brokers,
  clientId,
  topics,
}: {
  brokers: readonly string[]
  clientId: string
  topics: readonly string[]
}): Promise<Map<string, string>> => {
  const admin = new Admin({ clientId: `${clientId}-ids`, bootstrapBrokers: [...brokers], autocreateTopics: false, retries: 5 })
  try {
    const metadata = await admin.metadata({ topics: [...topics] })
    return new Map([...metadata.topics].map(([topic, { id }]) => [topic, id]))
  } catch (cause) {
    throw new ReadflowError(
      'kafka-unavailable',
      `Kafka did not tell the ids of its topics: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    )
  } finally {
    await admin.close()
  }
}
