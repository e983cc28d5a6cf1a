import { Partitioners } from './kafkajs.ts'

const partitioner = Partitioners.DefaultPartitioner()

/** The partition that Kafka's own clients put a key to. */
export const partitionOfKey = (topic: string, key: Buffer, partitions: number): number =>
  partitioner({
    topic,
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      ...{ partitionErrorCode: 0, partitionId, leader: 0, replicas: [], isr: [] },
    })),
    message: { key, value: null },
  })
