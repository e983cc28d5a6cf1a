import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { type KafkaClient, openKafka } from '../../runtime/kafka/client.ts'
import { openProducer } from '../../runtime/kafka/producer.ts'
import { createLog } from '../../runtime/log.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { Rating } from '../../schemas/records.ts'

const { topic, subject, schema, keyOf } = catalogue.ratings

/** Publishes ratings beside the poller, as any producer may. */
export const openRatings = async ({ brokers, registryUrl }: { brokers: readonly string[]; registryUrl: string }) => {
  const client: KafkaClient = await openKafka({ brokers, clientId: 'test', log: createLog('test', 'error') })
  const producer = await openProducer(client)
  const schemaId = await openRegistry(registryUrl).register(subject, schema)
  const codec = compileAvro(schema)
  return {
    client,
    /** One rating of book `1` for each of `count` users, the first of them `user-<from>`. */
    send: async (from: number, count: number, fields: Partial<Rating> = {}) => {
      const ratings = Array.from({ length: count }, (_, index): Rating => {
        const base = { user_id: `user-${from + index}`, book_id: '1', rating: 1 + (index % 5), rated_at: null, review_id: null, extra: {} }
        return { ...base, ...fields }
      })
      await producer.send(ratings.map((rating) => ({ topic, key: keyOf(rating), value: frameAvro(schemaId, codec.encode(rating)) })))
    },
    close: async () => {
      await producer.close()
      await client.close()
    },
  }
}
