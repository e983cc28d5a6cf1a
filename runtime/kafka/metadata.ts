/**
 * Kafka's Metadata request in version 10, the first that tells topic ids, in the form in which kafkajs keeps the versions
 * of a request; its own end at 6. Source: kafka.apache.org/protocol, "Metadata API".
 */
const METADATA = 3
const VERSION = 10
const NO_ID = '0'.repeat(32)

export interface Encoder {
  writeBoolean: (value: boolean) => Encoder
  writeUVarInt: (value: number) => Encoder
  writeUVarIntString: (value: string) => Encoder
  writeBuffer: (bytes: Buffer) => Encoder
}

export interface Decoder {
  readInt16: () => number
  readInt32: () => number
  readBoolean: () => boolean
  readBytes: (length: number) => Buffer
  readUVarIntString: () => string | null
  readUVarIntArray: <T>(read: (decoder: Decoder) => T) => T[] | null
  readTaggedFields: () => unknown
}

export interface ProtocolVersions {
  versions: string[]
  protocol: (wanted: { version: number }) => (options: { topics: string[] }) => unknown
}

/** What kafkajs passes on of a topic, whoever asks: its list of partitions. */
const idsByPartitions = new WeakMap<object, string>()

/** The id of a topic, as a UUID, by the `partitions` that kafkajs gives of it; null from a broker without topic ids. */
export const topicIdOf = (partitions: object): string | null => idsByPartitions.get(partitions) ?? null

/** kafkajs' versions of the request, and with them version 10, which is used where the broker has it. */
export const withTopicIds = (
  older: ProtocolVersions,
  kafkajs: { createEncoder: () => Encoder; createDecoder: (bytes: Buffer) => Decoder; parse: (data: unknown) => Promise<unknown> },
): ProtocolVersions => ({
  versions: [...older.versions, String(VERSION)],
  protocol: ({ version }) =>
    version < VERSION
      ? older.protocol({ version: Math.min(version, Math.max(...older.versions.map(Number))) })
      : ({ topics }) => ({
          request: {
            apiKey: METADATA,
            apiVersion: VERSION,
            apiName: 'Metadata',
            encode: async () => encode(kafkajs.createEncoder(), topics),
          },
          response: {
            decode: async (bytes: Buffer) => decode(kafkajs.createDecoder(bytes)),
            parse: kafkajs.parse,
          },
        }),
})

/** No topics: all of them. Of the flexible versions, the end of the header and of each structure are lists of tags. */
const encode = (encoder: Encoder, topics: readonly string[]): Encoder => {
  encoder.writeUVarInt(0).writeUVarInt(topics.length === 0 ? 0 : topics.length + 1)
  for (const topic of topics) encoder.writeBuffer(Buffer.alloc(16)).writeUVarIntString(topic).writeUVarInt(0)
  // No topic is made by asking for it; of authorized operations nothing is wanted.
  return encoder.writeBoolean(false).writeBoolean(false).writeBoolean(false).writeUVarInt(0)
}

const decode = (decoder: Decoder) => {
  decoder.readTaggedFields()
  const clientSideThrottleTime = decoder.readInt32()
  const brokers = arrayOf(decoder, (each) => ({
    nodeId: each.readInt32(),
    host: each.readUVarIntString(),
    port: each.readInt32(),
    rack: each.readUVarIntString(),
  }))
  const clusterId = decoder.readUVarIntString()
  const controllerId = decoder.readInt32()
  const topicMetadata = arrayOf(decoder, topic)
  return { throttleTime: 0, clientSideThrottleTime, brokers, clusterId, controllerId, topicMetadata }
}

const topic = (decoder: Decoder) => {
  const topicErrorCode = decoder.readInt16()
  const name = decoder.readUVarIntString()
  const id = decoder.readBytes(16).toString('hex')
  const isInternal = decoder.readBoolean()
  const partitionMetadata = arrayOf(decoder, partition)
  decoder.readInt32()
  if (id !== NO_ID) idsByPartitions.set(partitionMetadata, id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
  return { topicErrorCode, topic: name, isInternal, partitionMetadata }
}

const partition = (decoder: Decoder) => {
  const [partitionErrorCode, partitionId, leader] = [decoder.readInt16(), decoder.readInt32(), decoder.readInt32()]
  decoder.readInt32() // The leader's epoch, which kafkajs does not ask for.
  const nodes = () => decoder.readUVarIntArray((each) => each.readInt32()) ?? []
  return { partitionErrorCode, partitionId, leader, replicas: nodes(), isr: nodes(), offlineReplicas: nodes() }
}

/** A compact array of structures, each of which ends with its tags. */
const arrayOf = <T>(decoder: Decoder, read: (decoder: Decoder) => T): T[] =>
  decoder.readUVarIntArray((each) => {
    const value = read(each)
    each.readTaggedFields()
    return value
  }) ?? []
