// Follows a clean topic from its beginning and prints each change of a key as a line of JSON.
//   npm install kafkajs @kafkajs/confluent-schema-registry        (Node 24)
//   node subscribe.ts goodreads.books.clean [BROKERS] [REGISTRY] [GROUP]
import zlib from 'node:zlib'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import kafkajs, { type KafkaMessage } from 'kafkajs'

const [
  topic = 'goodreads.books.clean',
  brokers = '127.0.0.1:9092',
  registryUrl = 'http://127.0.0.1:8081/apis/ccompat/v7',
  groupId = 'my-subscriber-ts',
] = process.argv.slice(2)

// kafkajs has no zstd of its own.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zlib.zstdCompressSync(buffer),
  decompress: async (bytes: Buffer) => zlib.zstdDecompressSync(bytes),
})
const registry = new SchemaRegistry({ host: registryUrl })
const consumer = new kafkajs.Kafka({ clientId: groupId, brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR }).consumer({
  groupId,
})

const header = ({ headers }: KafkaMessage, name: string): string | null => headers?.[`readflow.${name}`]?.toString() ?? null

process.once('SIGTERM', () => consumer.disconnect().then(() => process.exit(0)))
await consumer.connect().catch((error: Error) => {
  console.error(`No broker at ${brokers}: ${error.message}`)
  process.exit(1)
})
await consumer.subscribe({ topics: [topic], fromBeginning: true })
// Only what was committed is delivered: read_committed is the default of kafkajs.
await consumer.run({
  eachMessage: async ({ message }) => {
    const change = {
      key: message.key?.toString(),
      // null: the key was deleted.
      value: message.value && (await registry.decode(message.value)),
      order: header(message, 'order'),
      hash: header(message, 'hash'),
    }
    // Store it under its key together with order and hash. Should this program die before kafkajs commits its offset, it
    // gets the change once more: order and hash are those that are stored then.
    process.stdout.write(`${JSON.stringify(change)}\n`)
  },
})
