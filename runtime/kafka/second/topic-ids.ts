import { Admin } from '@platformatic/kafka'
import { ReadflowError } from '../../errors.ts'

/** What a broker answers that knows no topic ids. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/**
 * The id of each topic, which tells a topic from its successor of the same name; kafkajs knows no ids.
 * Throws ReadflowError `kafka-unavailable`, and `config` where the broker gives its topics no ids.
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
    const ids = new Map([...metadata.topics].map(([topic, { id }]) => [topic, id]))
    if ([...ids.values()].includes(NO_ID))
      throw new ReadflowError('config', 'The Kafka brokers give topics no ids, so a topic made anew can not be told from the old one.', {
        hint: 'Use brokers of Kafka 3.1 or newer.',
      })
    return ids
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError(
      'kafka-unavailable',
      `Kafka did not tell the ids of its topics: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    )
  } finally {
    await admin.close()
  }
}
