import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { Decoder } from './decoder.ts'

/** What one flush holds of one partition, in offset order. */
export interface PartitionInput {
  topic: string
  topicId: string
  partition: number
  /** What Kafka delivered of [fromOffset, nextOffset). */
  records: readonly KafkaRecord[]
  fromOffset: number
  nextOffset: number
  /** Offsets directly before `fromOffset` that Kafka did not deliver, back to the row before. */
  undelivered: number
}

/** Calls `onRecord` for every delivered record of a flush, partition by partition, in offset order. */
export const eachRecord = (inputs: readonly PartitionInput[], onRecord: (record: KafkaRecord, input: PartitionInput) => void) => {
  for (const input of inputs) for (const record of input.records) onRecord(record, input)
}

/** Records of a flush: what columns for it are made for, as growing takes their double for a while. */
export const recordCount = (inputs: readonly PartitionInput[]) => inputs.reduce((sum, { records }) => sum + records.length, 0)

/** Fetches every writer schema that the flush needs and the decoder lacks. An unknown id is asked once a flush. */
export const prepareSchemas = async (inputs: readonly PartitionInput[], decoder: Decoder) => {
  const missing = new Map<string, Buffer>()
  eachRecord(inputs, ({ value }) => {
    if (value && decoder.needs(value)) missing.set(value.toString('latin1', 0, 5), value)
  })
  for (const value of missing.values()) await decoder.prepare(value)
}
