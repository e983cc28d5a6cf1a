import { type KafkaClient, openKafka } from '../../runtime/kafka/client.ts'
import { openProducer, type Producer } from '../../runtime/kafka/producer.ts'
import { createLog } from '../../runtime/log.ts'
import { openRegistry, type Registry } from '../../runtime/registry.ts'
import { topicSpecs } from '../../schemas/topics.ts'
import { startTestStack, type TestStack } from './stack.ts'

export interface TestPipeline {
  stack: TestStack
  client: KafkaClient
  producer: Producer
  registry: Registry
  /** A lake in the stack's data folder, with nothing in it yet. */
  lakeUrl: string
  close: () => Promise<void>
}

/** A broker and a registry of their own with the project's topics, and what a poller and a consumer open of them. */
export const startTestPipeline = async ({ partitions = 2, log = createLog('test', 'error') } = {}): Promise<TestPipeline> => {
  const stack = await startTestStack()
  let client: KafkaClient | undefined
  try {
    client = await openKafka({ brokers: stack.brokers, clientId: 'test', log })
    await client.ensureTopics(topicSpecs({ partitions, replicationFactor: 1 }))
    const opened = client
    const producer = await openProducer(opened)
    const close = async () => {
      await producer.close()
      await opened.close()
      await stack.stop()
    }
    return { stack, client: opened, producer, registry: openRegistry(stack.registryUrl), lakeUrl: `file:${stack.dataDir}/lake`, close }
  } catch (error) {
    await client?.close()
    await stack.stop()
    throw error
  }
}
